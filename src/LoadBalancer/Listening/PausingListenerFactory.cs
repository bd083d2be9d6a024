using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>Listens for Kestrel at addresses of the network, by <see cref="PausingListener"/>.</summary>
internal sealed class PausingListenerFactory(
    IOptions<SocketTransportOptions> transport, IOptions<LoadBalancerOptions> options, BalancerEvents events, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">Another process listens there.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is Http2OnlyEndPoint)
        {
            return new(new NoListener(endpoint));
        }

        Socket socket;
        try
        {
            socket = transport.Value.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(exception.Message, exception);
        }

        socket.Listen(transport.Value.Backlog);
        var port = ((IPEndPoint)endpoint).Port;
        var isPublic = port != options.Value.AdminUrl.Port;
        // The edge blocks no thread, so it serves a request on the thread that received it. TLS would have to be decrypted there.
        var isInline = isPublic && options.Value.Edge && !options.Value.ListenAddresses.Any(address => address.IsHttps && address.Binding.Port == port);
        return new(new PausingListener(
            socket,
            new SocketConnectionContextFactory(Options(transport.Value, isInline), loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets")),
            pauses: isPublic,
            transport.Value.NoDelay,
            events,
            loggers.CreateLogger<PausingListener>()));
    }

    private static SocketConnectionFactoryOptions Options(SocketTransportOptions transport, bool isInline) => new()
    {
        IOQueueCount = transport.IOQueueCount,
        MaxReadBufferSize = transport.MaxReadBufferSize,
        MaxWriteBufferSize = transport.MaxWriteBufferSize,
        UnsafePreferInlineScheduling = isInline || transport.UnsafePreferInlineScheduling,
        WaitForDataBeforeAllocatingBuffer = transport.WaitForDataBeforeAllocatingBuffer,
    };

    private sealed class NoListener(EndPoint endPoint) : IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _none = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => endPoint;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => new(_none.Task);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _none.TrySetResult(null);
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
