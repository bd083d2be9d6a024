using System.Numerics;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>
/// A thread that waits for what happens to sockets, and runs what awaits it. There is one for two processors, as replicas need them too;
/// nothing that it runs may block.
/// </summary>
internal sealed class EventLoop
{
    private static readonly Lazy<EventLoop[]> All = new(() => [.. Enumerable.Range(0, (Environment.ProcessorCount + 1) / 2).Select(_ => new EventLoop())]);

    [ThreadStatic]
    private static EventLoop? _current;

    private static readonly Lock Guard = new();

    // By their descriptors, as few as the system has them. Changed under the guard.
    private static IEventLoopSocket?[] _sockets = new IEventLoopSocket?[1024];
    private static int _next;
    private static uint _lastNumber;

    private readonly Epoll _epoll = new();
    private readonly List<IThreadPoolWorkItem> _deferred = [];

    private EventLoop() => new Thread(Run) { IsBackground = true, Name = "Event loop" }.UnsafeStart();

    /// <summary>Whether there can be any.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>The one for the next connection.</summary>
    public static EventLoop Next() => All.Value[(uint)Interlocked.Increment(ref _next) % (uint)All.Value.Length];

    /// <summary>A number for <see cref="IEventLoopSocket.Number"/>.</summary>
    public static uint NewNumber() => Interlocked.Increment(ref _lastNumber);

    /// <summary>On a loop's thread: runs something when the loop has handled all that happened with what it handles now.</summary>
    /// <returns>Whether this is a loop's thread.</returns>
    public static bool TryDefer(IThreadPoolWorkItem item)
    {
        if (_current is not { } loop)
        {
            return false;
        }

        loop._deferred.Add(item);
        return true;
    }

    /// <summary>Says from now on what happens to a socket.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The system takes no more.</exception>
    public void Add(IEventLoopSocket socket)
    {
        lock (Guard)
        {
            if (socket.Descriptor >= _sockets.Length)
            {
                Array.Resize(ref _sockets, (int)BitOperations.RoundUpToPowerOf2((uint)socket.Descriptor + 1));
            }

            _sockets[socket.Descriptor] = socket;
        }

        try
        {
            _epoll.Watch(socket.Descriptor, ((long)socket.Number << 32) | (uint)socket.Descriptor, socket.Awaited);
        }
        catch
        {
            Remove(socket);
            throw;
        }
    }

    /// <summary>Says nothing more of a socket. Called before it is closed: then its descriptor is another's.</summary>
    public static void Remove(IEventLoopSocket socket)
    {
        lock (Guard)
        {
            if (_sockets[socket.Descriptor] == socket)
            {
                _sockets[socket.Descriptor] = null;
            }
        }
    }

    private void Run()
    {
        _current = this;
        while (true)
        {
            var count = _epoll.Wait();
            for (var i = 0; i < count; i++)
            {
                var (number, events) = _epoll[i];
                // It may have been closed since the wait.
                if (_sockets[(int)number] is { } socket && socket.Number == (uint)(number >> 32))
                {
                    socket.Happened(events);
                }
            }

            // Which may defer more.
            for (var i = 0; i < _deferred.Count; i++)
            {
                _deferred[i].Execute();
            }

            _deferred.Clear();
        }
    }
}

/// <summary>Whoever is told by an event loop what happens to a socket.</summary>
internal interface IEventLoopSocket
{
    /// <summary>The socket's descriptor, which is another's as soon as it is closed.</summary>
    int Descriptor { get; }

    /// <summary>Its own number, by <see cref="EventLoop.NewNumber"/>.</summary>
    uint Number { get; }

    /// <summary>What it is told of; of its end and of failures in any case.</summary>
    EpollEvents Awaited { get; }

    /// <summary>Something happened to it. The loop waits, so this does not block.</summary>
    void Happened(EpollEvents events);
}
