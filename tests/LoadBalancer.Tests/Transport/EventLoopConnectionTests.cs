using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ClusterAspire.LoadBalancer.Transport;
using Microsoft.AspNetCore.Connections;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Transport;

/// <summary>Both sides of a real TCP connection: a client's socket, and what the server has.</summary>
public sealed class EventLoopConnectionTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_server_reads_what_the_client_sends_and_its_end()
    {
        await using var pair = await Pair.ConnectAsync();

        await pair.Client.SendAsync("hello"u8.ToArray());
        Assert.Equal("hello", await pair.ReadAsync(5));
        var waiting = pair.Server.Transport.Input.ReadAsync(Cancelled);
        Assert.False(waiting.IsCompleted);
        pair.Client.Shutdown(SocketShutdown.Send);

        Assert.True((await waiting).IsCompleted);
        Assert.True((await pair.Server.Transport.Input.ReadAsync(Cancelled)).IsCompleted);
    }

    [Fact]
    public async Task What_was_examined_is_returned_again_with_more()
    {
        await using var pair = await Pair.ConnectAsync();
        var input = pair.Server.Transport.Input;

        var sent = new StringBuilder();
        for (var i = 0; i < 2000; i++)
        {
            var part = $"part {i};";
            sent.Append(part);
            await pair.Client.SendAsync(Encoding.ASCII.GetBytes(part));
            while (true)
            {
                var read = await input.ReadAsync(Cancelled).AsTask().WaitAsync(Limit, Cancelled);
                Assert.False(read.IsCompleted);
                var isAll = read.Buffer.Length == sent.Length;
                Assert.Equal(sent.ToString(0, (int)read.Buffer.Length), Encoding.ASCII.GetString(read.Buffer));
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (isAll)
                {
                    break;
                }
            }
        }
    }

    [Fact]
    public async Task What_was_not_examined_is_returned_at_once()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Client.SendAsync("onetwo"u8.ToArray());
        var input = pair.Server.Transport.Input;

        var read = await input.ReadAtLeastAsync(6, Cancelled);
        input.AdvanceTo(read.Buffer.GetPosition(3));

        Assert.True(input.TryRead(out read));
        Assert.Equal("two", Encoding.ASCII.GetString(read.Buffer));
        input.AdvanceTo(read.Buffer.End);
        Assert.False(input.TryRead(out _));
    }

    [Fact]
    public async Task A_client_that_leaves_is_noticed_although_nobody_reads()
    {
        await using var pair = await Pair.ConnectAsync();
        var closed = Closed(pair.Server);

        await pair.Client.SendAsync("unread"u8.ToArray());
        pair.Client.Dispose();

        await closed.WaitAsync(Limit, Cancelled);
    }

    [Fact]
    public async Task A_client_that_resets_is_reported_to_who_reads_and_to_who_writes()
    {
        await using var pair = await Pair.ConnectAsync();
        var closed = Closed(pair.Server);
        var waiting = pair.Server.Transport.Input.ReadAsync(Cancelled).AsTask();

        pair.Client.Close(timeout: 0);

        await Assert.ThrowsAsync<ConnectionResetException>(() => waiting.WaitAsync(Limit, Cancelled));
        await closed.WaitAsync(Limit, Cancelled);
        FlushResult flushed;
        do
        {
            flushed = await pair.Server.Transport.Output.WriteAsync(new byte[1024], Cancelled);
        }
        while (!flushed.IsCompleted);
    }

    [Fact]
    public async Task A_flush_waits_for_a_client_that_does_not_read_and_loses_nothing()
    {
        await using var pair = await Pair.ConnectAsync();
        var bytes = new byte[32 * 1024 * 1024];
        new Random(1).NextBytes(bytes);

        var flush = pair.Server.Transport.Output.WriteAsync(bytes, Cancelled);
        Assert.False(flush.IsCompleted);
        var received = new byte[bytes.Length];
        for (var read = 0; read < received.Length;)
        {
            read += await pair.Client.ReceiveAsync(received.AsMemory(read), Cancelled);
        }

        Assert.False((await flush).IsCompleted);
        Assert.Equal(bytes, received);
    }

    [Fact]
    public async Task Those_who_wait_can_be_called_off()
    {
        await using var pair = await Pair.ConnectAsync();
        var (input, output) = (pair.Server.Transport.Input, pair.Server.Transport.Output);

        var waiting = input.ReadAsync(Cancelled);
        input.CancelPendingRead();
        Assert.True((await waiting).IsCanceled);
        input.CancelPendingRead();
        Assert.True((await input.ReadAsync(Cancelled)).IsCanceled);

        using var cancellation = new CancellationTokenSource();
        waiting = input.ReadAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);

        var flush = output.WriteAsync(new byte[32 * 1024 * 1024], Cancelled);
        output.CancelPendingFlush();
        Assert.True((await flush).IsCanceled);

        await pair.Client.SendAsync("still there"u8.ToArray());
        Assert.Equal("still there", await pair.ReadAsync(11));
    }

    [Fact]
    public async Task An_aborted_connection_is_reset_and_ends_who_waits()
    {
        await using var pair = await Pair.ConnectAsync();
        var closed = Closed(pair.Server);
        var read = pair.Server.Transport.Input.ReadAsync(Cancelled).AsTask();
        var flush = pair.Server.Transport.Output.WriteAsync(new byte[32 * 1024 * 1024], Cancelled).AsTask();

        pair.Server.Abort(new ConnectionAbortedException("enough"));

        Assert.Equal("enough", (await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.WaitAsync(Limit, Cancelled))).Message);
        Assert.True((await flush.WaitAsync(Limit, Cancelled)).IsCompleted);
        await closed.WaitAsync(Limit, Cancelled);
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (await pair.Client.ReceiveAsync(new byte[64 * 1024], Cancelled) > 0)
            {
            }
        });
    }

    [Fact]
    public async Task An_answer_before_the_end_of_a_request_arrives_whole()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Client.SendAsync(new byte[100_000]);
        await pair.ReadAsync(1);

        // Not flushed: who completes sends it.
        pair.Server.Transport.Output.Write("no"u8);
        await pair.Server.DisposeAsync();

        var answer = new byte[10];
        Assert.Equal(2, await pair.Client.ReceiveAsync(answer, Cancelled));
        Assert.Equal(0, await pair.Client.ReceiveAsync(answer, Cancelled));
    }

    [Fact]
    public async Task Many_connections_at_a_time_get_each_its_own_bytes()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = Cancelled }, async (number, cancellation) =>
        {
            await using var pair = await Pair.ConnectAsync();
            if (number % 2 == 0)
            {
                pair.Server.StayOnLoop();
            }

            var echo = EchoAsync(pair.Server.Transport);
            var sent = new byte[200_000];
            new Random(number).NextBytes(sent);
            var sending = pair.Client.SendAsync(sent, cancellation).AsTask();
            var received = new byte[sent.Length];
            for (var read = 0; read < received.Length;)
            {
                var length = await pair.Client.ReceiveAsync(received.AsMemory(read), cancellation).AsTask().WaitAsync(Limit, cancellation);
                Assert.NotEqual(0, length);
                read += length;
            }

            Assert.Equal(sent.Length, await sending);
            Assert.Equal(sent, received);
            pair.Client.Shutdown(SocketShutdown.Send);
            await echo.WaitAsync(Limit, cancellation);
        });
    }

    private static async Task EchoAsync(IDuplexPipe pipe)
    {
        while (true)
        {
            var read = await pipe.Input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                await pipe.Output.WriteAsync(segment);
            }

            pipe.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private static Task Closed(ConnectionContext connection)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionClosed.Register(closed.SetResult);
        return closed.Task;
    }

    private sealed class Pair : IAsyncDisposable
    {
        public required Socket Client { get; init; }

        public required EventLoopConnection Server { get; init; }

        public static async Task<Pair> ConnectAsync()
        {
            Requires.That(EventLoop.IsSupported, "Event loops exist on Linux.");
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(listener.LocalEndPoint!, Cancelled);
            return new() { Client = client, Server = new(await listener.AcceptAsync(Cancelled), EventLoop.Next()) };
        }

        public async Task<string> ReadAsync(int length)
        {
            var read = await Server.Transport.Input.ReadAtLeastAsync(length, Cancelled).AsTask().WaitAsync(Limit, Cancelled);
            var text = Encoding.ASCII.GetString(read.Buffer.Slice(0, length));
            Server.Transport.Input.AdvanceTo(read.Buffer.GetPosition(length));
            return text;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await Server.DisposeAsync();
        }
    }
}
