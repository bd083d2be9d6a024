using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ClusterAspire.Link;

namespace ClusterAspire.Replica.Tests.Link;

public sealed class LinkConnectionTests : IDisposable
{
    private readonly Channel<VirtualConnection> _accepted = Channel.CreateUnbounded<VirtualConnection>();
    private readonly LinkConnection _near;
    private readonly LinkConnection _far;
    private volatile bool _takes = true;

    public LinkConnectionTests()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var near = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.Connect(listener.LocalEndpoint);
        _far = new(listener.AcceptSocket(), new() { Accept = connection => _takes && _accepted.Writer.TryWrite(connection) });
        _near = new(near, new() { SendsAtOnceAfter = TimeSpan.Zero });
        // One side as in a replica.
        new Thread(() => _far.Receive()) { IsBackground = true }.Start();
        _ = _near.ReceiveAsync();
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Fact]
    public async Task Bytes_go_both_ways_on_many_connections_at_a_time()
    {
        _ = EchoAsync();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            var connection = _near.Open();
            var stream = new VirtualStream(connection);
            for (var round = 0; round < 20; round++)
            {
                var sent = new byte[(i * 997) + round + 1];
                Random.Shared.NextBytes(sent);
                await stream.WriteAsync(sent);
                var received = new byte[sent.Length];
                await Eventually.InTimeAsync(stream.ReadExactlyAsync(received).AsTask());
                Assert.Equal(sent, received);
            }

            stream.Dispose();
        }));
    }

    [Fact]
    public async Task Connections_are_opened_from_several_threads_at_a_time()
    {
        const int Threads = 4;
        const int Each = 5_000;

        var threads = Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < Each; i++)
                {
                    _near.Open().Close(CloseReason.Done);
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default));
        await Task.WhenAll(threads);

        for (var accepted = 0; accepted < Threads * Each; accepted++)
        {
            await Eventually.InTimeAsync(_accepted.Reader.ReadAsync().AsTask());
        }

        Assert.True(_near.IsOpen);
        Assert.True(_far.IsOpen);
    }

    [Fact]
    public async Task What_waits_to_be_sent_arrives_before_the_end()
    {
        List<VirtualConnection> near = [];
        for (var i = 0; i < 20; i++)
        {
            var (one, far) = await OpenAsync();
            near.Add(one);
            await new VirtualStream(far).WriteAsync(new byte[LinkConnection.Window]);
            far.Close(CloseReason.Done);
        }

        await Eventually.InTimeAsync(_far.EndAsync(Eventually.Limit));
        Assert.False(_near.IsOpen);
        foreach (var one in near)
        {
            using var received = new MemoryStream();
            await Eventually.InTimeAsync(new VirtualStream(one).CopyToAsync(received));
            Assert.Equal(LinkConnection.Window, received.Length);
        }
    }

    [Fact]
    public async Task One_that_is_not_read_waits_and_holds_up_no_other()
    {
        var (unread, _) = await OpenAsync();
        var stuck = new VirtualStream(unread).WriteAsync(new byte[10 * LinkConnection.Window]).AsTask();

        var (other, far) = await OpenAsync();
        for (var i = 0; i < 100; i++)
        {
            var sent = new VirtualStream(other).WriteAsync(new byte[64 * 1024]).AsTask();
            await Eventually.InTimeAsync(new VirtualStream(far).ReadExactlyAsync(new byte[64 * 1024]).AsTask());
            await Eventually.InTimeAsync(sent);
        }

        Assert.False(stuck.IsCompleted);
        unread.Close(CloseReason.Done);
        await Assert.ThrowsAsync<LinkBrokenException>(() => Eventually.InTimeAsync(stuck));
    }

    [Fact]
    public async Task A_writer_goes_on_as_its_reader_reads()
    {
        var (near, far) = await OpenAsync();
        var length = 5_000_000;
        var writing = Task.Run(async () =>
        {
            for (var sent = 0; sent < length; sent += 50_000)
            {
                near.Output.GetSpan(50_000)[..50_000].Fill((byte)(sent / 50_000));
                near.Output.Advance(50_000);
                await near.Output.FlushAsync();
            }

            await near.Output.CompleteAsync();
        });
        var received = new MemoryStream();
        await Eventually.InTimeAsync(new VirtualStream(far).CopyToAsync(received));
        await Eventually.InTimeAsync(writing);
        Assert.Equal(length, received.Length);
        Assert.All(received.ToArray().Chunk(50_000).Index(), chunk => Assert.All(chunk.Item, value => Assert.Equal((byte)chunk.Index, value)));
    }

    [Fact]
    public async Task Who_has_sent_all_it_has_still_reads()
    {
        var (near, far) = await OpenAsync();
        await new VirtualStream(near).WriteAsync("question"u8.ToArray());
        await near.Output.CompleteAsync();
        Assert.Equal("question", await Eventually.InTimeAsync(new StreamReader(new VirtualStream(far)).ReadToEndAsync()));

        await new VirtualStream(far).WriteAsync("answer"u8.ToArray());
        far.Close(CloseReason.Done);
        Assert.Equal("answer", await Eventually.InTimeAsync(new StreamReader(new VirtualStream(near)).ReadToEndAsync()));
    }

    [Fact]
    public async Task What_is_broken_off_is_a_failure_for_the_other_side_and_no_end()
    {
        var (near, far) = await OpenAsync();
        var ended = new TaskCompletionSource();
        near.Ended = ended.SetResult;
        var reading = new VirtualStream(near).ReadAsync(new byte[10]).AsTask();
        far.Close(CloseReason.Aborted);
        await Assert.ThrowsAsync<LinkBrokenException>(() => Eventually.InTimeAsync(reading));
        await Eventually.InTimeAsync(ended.Task);
        Assert.True((await near.Output.FlushAsync()).IsCompleted);
        await Assert.ThrowsAsync<LinkBrokenException>(() => new VirtualStream(near).WriteAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task What_nobody_takes_is_refused()
    {
        _takes = false;
        var connection = _near.Open();
        await Assert.ThrowsAsync<LinkRefusedException>(() => Eventually.InTimeAsync(new VirtualStream(connection).ReadAsync(new byte[1]).AsTask()));
        Assert.True(_near.IsOpen);
    }

    [Fact]
    public async Task When_a_side_dies_the_others_connections_end_and_no_new_ones_begin()
    {
        var (near, _) = await OpenAsync();
        var reading = new VirtualStream(near).ReadAsync(new byte[1]).AsTask();
        var writing = new VirtualStream(near).WriteAsync(new byte[10 * LinkConnection.Window]).AsTask();
        _far.Dispose();
        await Assert.ThrowsAsync<LinkBrokenException>(() => Eventually.InTimeAsync(reading));
        await Assert.ThrowsAsync<LinkBrokenException>(() => Eventually.InTimeAsync(writing));
        await Eventually.InTimeAsync(_near.Closed);
        Assert.Throws<LinkBrokenException>(() => _near.Open());
    }

    [Fact]
    public async Task Those_who_end_it_say_why()
    {
        var (near, _) = await OpenAsync();
        var reading = new VirtualStream(near).ReadAsync(new byte[1]).AsTask();
        _near.Abort(new TimeoutException());
        var failure = await Assert.ThrowsAsync<LinkBrokenException>(() => Eventually.InTimeAsync(reading));
        Assert.IsType<TimeoutException>(failure.InnerException);
    }

    [Theory]
    [InlineData(new byte[] { 9, 0, 0, 0, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 255, 255, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0, 3, 255, 255, 255, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0 })]
    public async Task What_is_no_sound_frame_ends_the_link(byte[] bytes)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var link = new LinkConnection(await listener.AcceptSocketAsync(), new() { Accept = _ => true });
        _ = link.ReceiveAsync();
        await client.GetStream().WriteAsync(bytes);
        if (bytes[0] == 9)
        {
            // Of a connection that is not known, whatever it is.
            client.Client.Shutdown(SocketShutdown.Send);
        }

        await Eventually.InTimeAsync(link.Closed);
    }

    [Fact]
    public async Task More_than_may_be_is_not_taken()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var link = new LinkConnection(await listener.AcceptSocketAsync(), new() { Accept = _ => true });
        _ = link.ReceiveAsync();
        var stream = client.GetStream();
        await stream.WriteAsync(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0 });
        try
        {
            for (var sent = 0; sent <= LinkConnection.Window; sent += 16 * 1024)
            {
                await stream.WriteAsync((byte[])[2, 0, 64, 0, 1, 0, 0, 0, .. new byte[16 * 1024]]);
            }
        }
        catch (IOException)
        {
            // It may be faster than we are.
        }

        await Eventually.InTimeAsync(link.Closed);
    }

    private async Task<(VirtualConnection Near, VirtualConnection Far)> OpenAsync()
    {
        var near = _near.Open();
        return (near, await Eventually.InTimeAsync(_accepted.Reader.ReadAsync().AsTask()));
    }

    private async Task EchoAsync()
    {
        await foreach (var connection in _accepted.Reader.ReadAllAsync())
        {
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    var read = await connection.Input.ReadAsync();
                    foreach (var part in read.Buffer)
                    {
                        part.CopyTo(connection.Output.GetMemory(part.Length));
                        connection.Output.Advance(part.Length);
                    }

                    connection.Input.AdvanceTo(read.Buffer.End);
                    await connection.Output.FlushAsync();
                    if (read.IsCompleted)
                    {
                        connection.Close(CloseReason.Done);
                        return;
                    }
                }
            });
        }
    }
}
