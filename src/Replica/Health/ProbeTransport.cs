using System.Net;
using System.Net.Sockets;
using ClusterAspire.Replica.Link;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Health;

/// <summary>
/// Kestrel's socket transport, which answers probes before Kestrel sees them, on a separate thread: a process whose thread pool is
/// exhausted does not look dead. Kestrel itself needs the pool to begin a connection.
/// </summary>
internal sealed class ProbeTransport(IOptions<SocketTransportOptions> options, ILoggerFactory loggers, Lazy<ProbeAnswers> answers, ProbeEndpoints endpoints, LinkServer links)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, loggers);

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    /// <exception cref="AddressInUseException">Another process listens there.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not IPEndPoint || !endpoints.AreMapped)
        {
            return _sockets.BindAsync(endpoint, cancellationToken);
        }

        Socket? socket = null;
        try
        {
            socket = options.Value.CreateBoundListenSocket(endpoint);
            socket.Listen(options.Value.Backlog);
            return new(new ProbeListener(socket, options.Value, answers.Value, links, loggers.CreateLogger<ProbeListener>()));
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw e.SocketErrorCode is SocketError.AddressAlreadyInUse ? new AddressInUseException(e.Message, e) : e;
        }
    }
}
