using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.Contract;
using ClusterAspire.Link;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Link;

/// <summary>
/// This replica's side of the link. A link belongs to one port of the HTTP server, which treats its virtual connections like
/// connections that it accepted there.
/// </summary>
internal sealed partial class LinkServer(ILogger<LinkServer> logger) : IDisposable
{
    // A load balancer sends its greeting at once.
    private static readonly TimeSpan GreetingLimit = TimeSpan.FromSeconds(5);

    // Each load balancer has one link; who gets none uses TCP.
    private const int MostThreads = 64;

    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<int, LinkPort> _ports = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private LinkSocket? _socket;
    private bool _hasBegun;
    private int _threads;

    /// <summary>What <c>/health</c> says of it; null before the HTTP server listens.</summary>
    public LinkOffer? Offer => _ports.IsEmpty ? null : new(Greeting.Version, _socket?.Path);

    /// <summary>Links may lead to a port from now on.</summary>
    /// <param name="local">Where the HTTP server listens.</param>
    /// <param name="take">Takes a connection, and says whether it does.</param>
    public LinkPort Open(IPEndPoint local, Func<ConnectionContext, bool> take)
    {
        lock (_lock)
        {
            if (!_hasBegun)
            {
                _hasBegun = true;
                _socket = LinkSocket.Create();
                _ = AcceptAsync();
            }
        }

        return _ports[local.Port] = new(local, take, this);
    }

    /// <summary>Serves a socket that began with a greeting, by a thread of its own.</summary>
    /// <param name="socket">The socket, of which nothing has been read.</param>
    /// <param name="port">The port it was accepted at; null for the one that the greeting names.</param>
    public void Serve(Socket socket, LinkPort? port)
    {
        if (!TryStart(() => Run(socket, port)))
        {
            socket.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Cancel();
        _socket?.Dispose();
    }

    /// <summary>A link is over.</summary>
    internal void Ended(LinkConnection link)
    {
        if (link.Failure is InvalidDataException failure)
        {
            Log.Broken(logger, failure.Message);
        }
    }

    /// <summary>Starts a thread, if there are not too many.</summary>
    internal bool TryStart(Action run)
    {
        var starts = Interlocked.Increment(ref _threads) <= MostThreads;
        if (starts)
        {
            new Thread(Run) { IsBackground = true, Name = "Link" }.UnsafeStart();
        }
        else
        {
            Interlocked.Decrement(ref _threads);
        }

        return starts;

        void Run()
        {
            run();
            Interlocked.Decrement(ref _threads);
        }
    }

    internal void Close(LinkPort port) => _ports.TryRemove(KeyValuePair.Create(port.Local.Port, port));

    private void Run(Socket socket, LinkPort? port)
    {
        try
        {
            if (Greet(socket, port) is { } to)
            {
                to.Carry(socket);
            }
            else
            {
                socket.Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
        }
    }

    /// <summary>Exchanges the greetings.</summary>
    /// <returns>Where the link leads; null where that is no port of this replica.</returns>
    private LinkPort? Greet(Socket socket, LinkPort? port)
    {
        socket.ReceiveTimeout = (int)GreetingLimit.TotalMilliseconds;
        var greeting = new byte[Greeting.Length];
        for (var read = 0; read < greeting.Length;)
        {
            var length = socket.Receive(greeting.AsSpan(read));
            if (length == 0)
            {
                return null;
            }

            read += length;
        }

        if (!Greeting.TryRead(greeting, out var number) || (port ?? _ports.GetValueOrDefault(number)) is not { } to)
        {
            return null;
        }

        socket.Send(Greeting.Write(to.Local.Port));
        socket.ReceiveTimeout = 0;
        return to;
    }

    private async Task AcceptAsync()
    {
        while (_socket is not null)
        {
            try
            {
                Serve(await _socket.AcceptAsync(_end.Token), null);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                await Task.Delay(AcceptRetryDelay);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // It was closed before it was accepted.
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The link of a load balancer was ended, with its requests: {Reason}")]
        public static partial void Broken(ILogger logger, string reason);
    }
}

/// <summary>A port that links lead to.</summary>
/// <param name="local">Where the HTTP server listens.</param>
/// <param name="take">Takes a connection, and says whether it does.</param>
/// <param name="server">What it belongs to.</param>
internal sealed class LinkPort(IPEndPoint local, Func<ConnectionContext, bool> take, LinkServer server) : IAsyncDisposable
{
    // A load balancer that is not hung reads at once.
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<LinkConnection, bool> _links = new();

    /// <summary>Where the HTTP server listens.</summary>
    public IPEndPoint Local => local;

    /// <summary>Makes a link of a socket, and receives from it until it is over or another thread does.</summary>
    public void Carry(Socket socket)
    {
        if (socket.ProtocolType is ProtocolType.Tcp)
        {
            socket.NoDelay = true;
        }

        // The other side of a Unix socket is on this machine and has no IP address.
        var remote = socket.RemoteEndPoint as IPEndPoint ?? new(local.AddressFamily is AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0);
        var receiver = Environment.ProcessorCount == 1 ? new ReceiverScheduler(server.TryStart) : null;
        var link = new LinkConnection(socket, new()
        {
            Accept = connection => take(new LinkedConnection(connection, local, remote)),
            Scheduler = receiver ?? PipeScheduler.ThreadPool,
        });
        _links[link] = true;
        if (receiver is not null)
        {
            receiver.Receive(link, Ended);
        }
        else
        {
            link.Receive();
            Ended(link);
        }
    }

    private void Ended(LinkConnection link)
    {
        _links.TryRemove(link, out _);
        server.Ended(link);
    }

    /// <summary>Ends its links, each after its last answers have arrived.</summary>
    public async ValueTask DisposeAsync()
    {
        server.Close(this);
        await Task.WhenAll(_links.Keys.Select(link => link.EndAsync(EndLimit)));
    }
}
