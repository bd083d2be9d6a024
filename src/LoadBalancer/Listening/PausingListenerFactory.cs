using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Edge;
using ClusterAspire.LoadBalancer.Health;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>Listens for Kestrel at addresses of the network, and by sockets that were handed to this process, by <see cref="PausingListener"/>.</summary>
internal sealed class PausingListenerFactory(
    IOptions<SocketTransportOptions> transport,
    IOptions<LoadBalancerOptions> options,
    IOptions<KestrelServerOptions> kestrel,
    HandedSockets handed,
    FirstAnswers answers,
    OpenConnections open,
    IServiceProvider services,
    IMeterFactory meters,
    BalancerEvents events,
    ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ConcurrentBag<PausingListener> _listeners = [];

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or FileHandleEndPoint { FileHandleType: FileHandleType.Auto or FileHandleType.Tcp } || handed[endpoint] is not null;

    /// <summary>Accepts no more, at any port.</summary>
    public void StopAccepting()
    {
        foreach (var listener in _listeners)
        {
            listener.StopAccepting();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">Another process listens there.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is Http2OnlyEndPoint)
        {
            return new(new NoListener(endpoint));
        }

        var inherited = endpoint is FileHandleEndPoint file ? HandedSockets.Open((nint)file.FileHandle) : handed[endpoint];
        var socket = inherited ?? Bind(endpoint);
        socket.Listen(transport.Value.Backlog);
        var port = (socket.LocalEndPoint as IPEndPoint)?.Port;
        var isPublic = port != options.Value.AdminUrl.Port;
        var isOnLoop = isPublic && options.Value.Edge && EventLoop.IsSupported;
        return new(isOnLoop && IsPlain(endpoint)
            ? new EdgeListener(Listen, options.Value, kestrel.Value.Limits, new(services.GetRequiredService<EdgeServer>), open, meters, loggers.CreateLogger<EdgeListener>())
            : Listen(isOnLoop
                ? static accepted => new EventLoopConnection(accepted, EventLoop.Next())
                : new SocketConnectionContextFactory(Options(transport.Value), loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets")).Create));

        PausingListener Listen(Func<Socket, ConnectionContext?> connect)
        {
            var listener = new PausingListener(
                socket,
                connect,
                // Clients can wait in the queue of one that is handed on; they would be refused by another.
                ready: isPublic && inherited is not null ? answers.Heard : Task.CompletedTask,
                pauses: isPublic,
                transport.Value.NoDelay,
                events,
                loggers.CreateLogger<PausingListener>());
            _listeners.Add(listener);
            return listener;
        }
    }

    // Whether clients connect there without TLS, to the edge.
    private bool IsPlain(EndPoint endpoint)
    {
        var addresses = options.Value.ListenAddresses.Where(address => address.SocketPath is null);
        return endpoint switch
        {
            FileHandleEndPoint file => addresses.Any(address => address.Descriptor == (int)file.FileHandle && !address.IsHttps),
            IPEndPoint { Port: var port } => addresses.Where(address => address.Descriptor is null && address.Port == port)
                .Select(address => !address.IsHttps)
                .DefaultIfEmpty(port == options.Value.Url.Port)
                .All(isPlain => isPlain),
            _ => false,
        };
    }

    private Socket Bind(EndPoint endpoint)
    {
        try
        {
            return transport.Value.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(exception.Message, exception);
        }
    }

    private static SocketConnectionFactoryOptions Options(SocketTransportOptions transport) => new()
    {
        IOQueueCount = transport.IOQueueCount,
        MaxReadBufferSize = transport.MaxReadBufferSize,
        MaxWriteBufferSize = transport.MaxWriteBufferSize,
        UnsafePreferInlineScheduling = transport.UnsafePreferInlineScheduling,
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
