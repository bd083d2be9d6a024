using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>Makes the connections to replicas, and drops those to a replica that is declared gone.</summary>
internal sealed class UpstreamConnections
{
    private readonly ConcurrentDictionary<(string Host, int Port), ConcurrentDictionary<UpstreamConnection, bool>> _open = new();

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">Nobody listens there, or the name is not known.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async ValueTask<UpstreamConnection> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
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

    /// <summary>Connects; for <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <inheritdoc cref="ConnectAsync(string, int, CancellationToken)" path="/exception"/>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken);

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
    }

    private static (string, int) Key(string host, int port) => (host.Trim('[', ']').ToUpperInvariant(), port);
}
