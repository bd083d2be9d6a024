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

    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<int, LinkPort> _ports = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private LinkSocket? _socket;
    private bool _hasBegun;

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

    /// <summary>Serves a socket that began with a greeting.</summary>
    /// <param name="socket">The socket, of which nothing has been read.</param>
    /// <param name="port">The port it was accepted at; null for the one that the greeting names.</param>
    public async Task ServeAsync(Socket socket, LinkPort? port)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            limit.CancelAfter(GreetingLimit);
            var greeting = new byte[Greeting.Length];
            for (var read = 0; read < greeting.Length;)
            {
                var length = await socket.ReceiveAsync(greeting.AsMemory(read), limit.Token);
                if (length == 0)
                {
                    socket.Dispose();
                    return;
                }

                read += length;
            }

            if (!Greeting.TryRead(greeting, out var number) || (port ?? _ports.GetValueOrDefault(number)) is not { } to)
            {
                socket.Dispose();
                return;
            }

            await socket.SendAsync(Greeting.Write(to.Local.Port), limit.Token);
            to.Carry(socket);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
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

    internal void Close(LinkPort port) => _ports.TryRemove(KeyValuePair.Create(port.Local.Port, port));

    private async Task AcceptAsync()
    {
        while (_socket is not null)
        {
            try
            {
                _ = ServeAsync(await _socket.AcceptAsync(_end.Token), null);
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

    /// <summary>Makes a link of a socket.</summary>
    public void Carry(Socket socket)
    {
        if (socket.ProtocolType is ProtocolType.Tcp)
        {
            socket.NoDelay = true;
        }

        // The other side of a Unix socket is on this machine and has no IP address.
        var remote = socket.RemoteEndPoint as IPEndPoint ?? new(local.AddressFamily is AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0);
        var link = new LinkConnection(socket, new() { Receiver = StartThread, Accept = connection => take(new LinkedConnection(connection, local, remote)) });
        _links[link] = true;
        _ = ForgetAsync(link);
    }

    /// <summary>Ends its links, each after its last answers have arrived.</summary>
    public async ValueTask DisposeAsync()
    {
        server.Close(this);
        await Task.WhenAll(_links.Keys.Select(link => link.EndAsync(EndLimit)));
    }

    private static void StartThread(LinkConnection link) => new Thread(link.Receive) { IsBackground = true, Name = "Link" }.UnsafeStart();

    private async Task ForgetAsync(LinkConnection link)
    {
        await link.Closed;
        _links.TryRemove(link, out _);
        server.Ended(link);
    }
}
