using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.Link;
using ClusterAspire.Replica.Link;

namespace ClusterAspire.Replica.Tests.Link;

public sealed class ReceiverSchedulerTests : IDisposable
{
    private const byte Echo = 0;
    private const byte Block = 1;
    private const string Receiver = "Receiver of the test";
    private const int Connections = 256;

    private readonly ManualResetEventSlim _gate = new();
    private readonly TaskCompletionSource _blocks = new();
    private readonly ConcurrentQueue<string?> _threads = new();
    private readonly LinkConnection _near;
    private readonly LinkConnection _far;

    public ReceiverSchedulerTests()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var near = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.Connect(listener.LocalEndpoint);
        var scheduler = new ReceiverScheduler(TryStart);
        _far = new(listener.AcceptSocket(), new()
        {
            Accept = connection =>
            {
                _ = Task.Run(() => ServeAsync(connection));
                return true;
            },
            Scheduler = scheduler,
        });
        _near = new(near, new() { SendsAtOnceAfter = TimeSpan.Zero });
        Assert.True(TryStart(() => scheduler.Receive(_far, _ => { })));
        _ = _near.ReceiveAsync();
    }

    public void Dispose()
    {
        _gate.Set();
        _near.Dispose();
        _far.Dispose();
    }

    [Fact]
    public Task Many_requests_run_on_the_thread_that_receives_them() => RunInlineAsync(Open());

    [Fact]
    public async Task One_that_blocks_holds_up_no_other()
    {
        var connections = Open();
        await RunInlineAsync(connections);

        await connections[0].SendAsync(new[] { Block });
        await Eventually.InTimeAsync(_blocks.Task);
        for (var i = 0; i < 10; i++)
        {
            await AskAsync(connections[1..]);
        }

        _gate.Set();
        await Eventually.InTimeAsync(new VirtualStream(connections[0]).ReadExactlyAsync(new byte[1]).AsTask());
        await RunInlineAsync(connections);
    }

    [Fact]
    public async Task A_link_that_ends_while_one_blocks_is_over()
    {
        var connections = Open();
        await RunInlineAsync(connections);
        await connections[0].SendAsync(new[] { Block });
        await Eventually.InTimeAsync(_blocks.Task);

        _near.Dispose();

        await Eventually.InTimeAsync(_far.Closed);
    }

    private static bool TryStart(Action run)
    {
        new Thread(() => run()) { IsBackground = true, Name = Receiver }.Start();
        return true;
    }

    private VirtualConnection[] Open() => [.. Enumerable.Range(0, Connections).Select(_ => _near.Open())];

    /// <summary>Asks until a round of answers comes from the thread that receives.</summary>
    private async Task RunInlineAsync(VirtualConnection[] connections) => await Eventually.IsTrueAsync(async () =>
    {
        _threads.Clear();
        await AskAsync(connections);
        return _threads.All(thread => thread == Receiver);
    });

    /// <summary>Sends to all connections at a time, and waits for their answers.</summary>
    private static async Task AskAsync(VirtualConnection[] connections)
    {
        foreach (var connection in connections)
        {
            await connection.SendAsync(new[] { Echo });
        }

        foreach (var connection in connections)
        {
            await Eventually.InTimeAsync(new VirtualStream(connection).ReadExactlyAsync(new byte[1]).AsTask());
        }
    }

    private async Task ServeAsync(VirtualConnection connection)
    {
        while (await connection.Input.ReadAsync() is { IsCompleted: false } read)
        {
            _threads.Enqueue(Thread.CurrentThread.Name);
            var request = read.Buffer.FirstSpan[0];
            connection.Input.AdvanceTo(read.Buffer.End);
            if (request == Block)
            {
                _blocks.TrySetResult();
                _gate.Wait();
            }

            await connection.SendAsync(new[] { Echo });
        }
    }
}
