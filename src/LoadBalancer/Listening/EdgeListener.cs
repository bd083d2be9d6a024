using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Edge;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>Listens for the edge, at a port without TLS. Kestrel accepts here those connections that the edge leaves to it.</summary>
internal sealed partial class EdgeListener : IConnectionListener
{
    private readonly PausingListener _listener;
    private readonly Lazy<EdgeServer> _edge;
    private readonly OpenConnections _open;
    private readonly ConnectionMetrics _metrics;
    private readonly ILogger<EdgeListener> _logger;
    private readonly Channel<ConnectionContext> _left = Channel.CreateUnbounded<ConnectionContext>(new() { SingleReader = true });
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _accepting;

    // The connections, and one until it is unbound.
    private int _count = 1;

    /// <summary>Listens.</summary>
    /// <param name="listen">Listens, with what is to be done with an accepted socket.</param>
    /// <param name="options">What the user chose.</param>
    /// <param name="limits">Kestrel's limits.</param>
    /// <param name="edge">Serves the connections.</param>
    /// <param name="open">Those that are open.</param>
    /// <param name="meters">For Kestrel's instruments.</param>
    /// <param name="logger">The log.</param>
    public EdgeListener(
        Func<Func<Socket, ConnectionContext?>, PausingListener> listen,
        LoadBalancerOptions options,
        KestrelServerLimits limits,
        Lazy<EdgeServer> edge,
        OpenConnections open,
        IMeterFactory meters,
        ILogger<EdgeListener> logger)
    {
        (Options, Limits, _edge, _open, _logger) = (options, limits, edge, open, logger);
        _listener = listen(Serve);
        _metrics = new(meters, _listener.EndPoint);
    }

    /// <inheritdoc/>
    public EndPoint EndPoint => _listener.EndPoint;

    /// <summary>What the user chose.</summary>
    public LoadBalancerOptions Options { get; }

    /// <summary>Kestrel's limits.</summary>
    public KestrelServerLimits Limits { get; }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        _accepting ??= AcceptAllAsync();
        return await _left.Reader.WaitToReadAsync(cancellationToken) && _left.Reader.TryRead(out var connection) ? connection : null;
    }

    /// <summary>Accepts no more, and ends those that wait for a request. The others have until the server gives up.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _listener.UnbindAsync(cancellationToken);
        await (_accepting ?? Task.CompletedTask);
        // Kestrel tells its own when this returns, which would be late.
        _open.Stop();
        Leave();
        await _over.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_over.Task.IsCompleted)
        {
            _open.Abort();
        }

        _left.Writer.TryComplete();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    /// <summary>A connection begins.</summary>
    public void Begins(PlainConnection connection)
    {
        Interlocked.Increment(ref _count);
        _open.Add(connection);
        _metrics.Opened();
    }

    /// <summary>A connection has ended.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="duration">How long it was open; null when it is Kestrel's now.</param>
    public void Ends(PlainConnection connection, TimeSpan? duration)
    {
        _metrics.Closed(duration);
        _open.Remove(connection);
        Leave();
    }

    /// <summary>A connection is Kestrel's from now on.</summary>
    /// <param name="socket">Its socket.</param>
    /// <param name="failed">The try that its first request has had, or null.</param>
    /// <returns>Whether Kestrel takes connections.</returns>
    public bool TryLeave(EventLoopSocket socket, EdgeTry? failed)
    {
        var connection = new EventLoopConnection(socket) { WasAtEdge = true };
        connection.Features.Set(failed);
        return _left.Writer.TryWrite(connection);
    }

    /// <summary>Reports what a connection should not end with.</summary>
    public void Failed(Exception exception) => Log.Failed(_logger, exception);

    private async Task AcceptAllAsync()
    {
        // While clients wait to be accepted, it goes on without waiting; who called does not.
        await Task.Yield();
        try
        {
            await _listener.AcceptAsync();
        }
        catch (Exception exception)
        {
            // Kestrel reports it.
            _left.Writer.TryComplete(exception);
        }
    }

    private ConnectionContext? Serve(Socket accepted)
    {
        new PlainConnection(accepted, this, _edge.Value).Start();
        return null;
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0)
        {
            _over.TrySetResult();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Serving a client's connection failed.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
