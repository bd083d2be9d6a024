using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Listening;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>Makes the connections to replicas, and drops those to a replica that is declared gone.</summary>
internal sealed class UpstreamConnections(IOptions<LoadBalancerOptions> options) : IDisposable
{
    private readonly ConcurrentDictionary<(string Host, int Port), ConcurrentDictionary<UpstreamConnection, bool>> _open = new();

    private readonly ConcurrentDictionary<(string Host, int Port), ReplicaLink> _links = new();

    /// <summary>The link to the replica at an address: there or not.</summary>
    public ReplicaLink Link(string host, int port) => _links.GetOrAdd(Key(host, port), _ => new(host, port));

    /// <summary>A replica answered a probe.</summary>
    /// <param name="replica">The replica.</param>
    /// <param name="offer">What it says of its link.</param>
    public void Offer(Upstream replica, LinkOffer? offer)
    {
        if (options.Value.Link && new Uri(replica.Address) is { Scheme: "http" } address)
        {
            Link(address.IdnHost, address.Port).Offer(offer);
        }
    }

    /// <summary>Connects by TCP.</summary>
    /// <exception cref="SocketException">Nothing listens there, or the name is not known.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async ValueTask<UpstreamConnection> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (Descriptors.AreOut(socket.Handle))
            {
                throw new SocketException((int)SocketError.TooManyOpenSockets);
            }

            await socket.ConnectAsync(IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port), cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var open = _open.GetOrAdd(Key(host, port), _ => new());
        var connection = new UpstreamConnection(socket, closed => open.TryRemove(closed, out _));
        open[connection] = true;
        return connection;
    }

    /// <summary>Drops every connection to a replica: what is unanswered there fails with <see cref="ReplicaGoneException"/>.</summary>
    public void Drop(Upstream replica)
    {
        var address = new Uri(replica.Address);
        if (_open.TryGetValue(Key(address.IdnHost, address.Port), out var open))
        {
            foreach (var connection in open.Keys)
            {
                connection.Drop();
            }
        }

        if (_links.TryGetValue(Key(address.IdnHost, address.Port), out var link))
        {
            link.Drop(new ReplicaGoneException(null));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var link in _links.Values)
        {
            link.Drop(null);
        }
    }

    private static (string, int) Key(string host, int port) => (host.Trim('[', ']').ToUpperInvariant(), port);
}
