using System.Collections.Concurrent;

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

    private static int _next;

    private readonly Epoll _epoll = new();
    private readonly ConcurrentDictionary<int, IEventLoopSocket> _sockets = new();
    private readonly List<IThreadPoolWorkItem> _deferred = [];

    private EventLoop() => new Thread(Run) { IsBackground = true, Name = "Event loop" }.UnsafeStart();

    /// <summary>Whether there can be any.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>The one for the next connection.</summary>
    public static EventLoop Next() => All.Value[(uint)Interlocked.Increment(ref _next) % (uint)All.Value.Length];

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
        _sockets[socket.Descriptor] = socket;
        _epoll.Watch(socket.Descriptor);
    }

    /// <summary>A socket is about to be closed: its descriptor may then be another's.</summary>
    public void Remove(IEventLoopSocket socket) => _sockets.TryRemove(KeyValuePair.Create(socket.Descriptor, socket));

    private void Run()
    {
        _current = this;
        while (true)
        {
            var count = _epoll.Wait();
            for (var i = 0; i < count; i++)
            {
                var (descriptor, events) = _epoll[i];
                // An event of a closed socket may reach the next one of that descriptor, which finds nothing to do then.
                if (_sockets.TryGetValue(descriptor, out var socket))
                {
                    socket.Happened(events);
                }
            }

            // What these defer comes after the next wait, which does not block long then.
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
    /// <summary>The socket's number in this process.</summary>
    int Descriptor { get; }

    /// <summary>Something happened to it. The loop waits, so this does not block.</summary>
    void Happened(EpollEvents events);
}
