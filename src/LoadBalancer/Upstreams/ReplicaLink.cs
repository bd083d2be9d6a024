using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.Contract;
using ClusterAspire.Link;
using ClusterAspire.LoadBalancer.Transport;

namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>
/// The link to a replica that offers one: over its Unix socket if it is on this machine, else over TCP. Nothing waits for the link:
/// before it is open and after it has closed, connections use TCP.
/// </summary>
/// <param name="host">The replica's host.</param>
/// <param name="port">The port of its HTTP server.</param>
internal sealed class ReplicaLink(string host, int port)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    // Nothing in the load balancer blocks, so the thread that received data also processes it.
    private static readonly LinkConnectionOptions Options = new()
    {
        Scheduler = PipeScheduler.Inline,
        SendsAtOnceAfter = TimeSpan.FromMicroseconds(100),
        Defer = EventLoop.TryDefer,
    };

    private readonly Lock _lock = new();
    private volatile LinkConnection? _link;
    private LinkOffer? _offer;
    private bool _isConnecting;
    private bool _isAmbiguous;

    /// <summary>Whether it is there.</summary>
    public bool IsOpen => _link is { IsOpen: true };

    /// <summary>Opens a connection; null where there is no link.</summary>
    public VirtualConnection? TryOpen()
    {
        try
        {
            return _link is { IsOpen: true } link ? link.Open() : null;
        }
        catch (LinkBrokenException)
        {
            return null;
        }
    }

    /// <summary>The replica answered a probe: connects where it offers what is not there yet.</summary>
    /// <param name="offer">What it offers, if anything.</param>
    public void Offer(LinkOffer? offer)
    {
        lock (_lock)
        {
            if (offer is not { Version: Greeting.Version } || _isConnecting || _isAmbiguous)
            {
                return;
            }

            if (IsOpen)
            {
                // Several processes share the address, and a link would lead to only one of them.
                _isAmbiguous = offer != _offer;
                _link = _isAmbiguous ? null : _link;
                return;
            }

            _isConnecting = true;
            _offer = offer;
        }

        _ = ConnectAsync(offer);
    }

    /// <summary>Ends it.</summary>
    /// <param name="failure">What those are told whose connections end with it.</param>
    public void Drop(Exception? failure) => _link?.Abort(failure);

    private static void Receive(LinkConnection link)
    {
        if (!EventLoop.IsSupported)
        {
            _ = link.ReceiveAsync();
            return;
        }

        link.Socket.Blocking = false;
        _ = new EventLoopLink(link);
    }

    private async Task ConnectAsync(LinkOffer offer)
    {
        LinkConnection? link = null;
        foreach (var endPoint in EndPoints(offer))
        {
            try
            {
                link = await LinkDialer.ConnectAsync(endPoint, port, ConnectTimeout, Options);
                Receive(link);
                break;
            }
            catch (Exception e) when (e is SocketException or InvalidDataException)
            {
                // The connection uses TCP then, or fails.
                link?.Dispose();
                link = null;
            }
        }

        lock (_lock)
        {
            (_link, _isConnecting) = (link, false);
        }
    }

    private IEnumerable<EndPoint> EndPoints(LinkOffer offer)
    {
        if (offer.Socket is { Length: > 0 } path && Path.IsPathFullyQualified(path) && File.Exists(path))
        {
            yield return new UnixDomainSocketEndPoint(path);
        }

        yield return IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);
    }
}
