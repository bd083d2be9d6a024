using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.AspNetCore.Connections;
using Microsoft.Win32.SafeHandles;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// Accepts connections while there are descriptors for them. When few are left, new clients wait in the system's queue while connected
/// clients are served. The admin port accepts until none is left.
/// </summary>
/// <remarks>Kestrel's own asks again at once when it is refused a descriptor, and so keeps a core busy with nothing.</remarks>
/// <param name="socket">The listening socket.</param>
/// <param name="connect">Makes a connection of an accepted socket; null when that is served elsewhere.</param>
/// <param name="ready">What to wait for before the first is accepted.</param>
/// <param name="pauses">Whether it is one of those that pause: not the admin port's.</param>
/// <param name="noDelay">Whether small packets are sent at once.</param>
/// <param name="events">What the live page shows.</param>
/// <param name="logger">The log.</param>
internal sealed partial class PausingListener(
    Socket socket,
    Func<Socket, ConnectionContext?> connect,
    Task ready,
    bool pauses,
    bool noDelay,
    BalancerEvents events,
    ILogger<PausingListener> logger) : IConnectionListener
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _unbound = new();
    private SafeFileHandle? _spare;
    private bool _isShort;
    private long? _saidAt;

    /// <inheritdoc/>
    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                if (!ready.IsCompleted)
                {
                    await ready.WaitAsync(_unbound.Token);
                }

                if (_isShort)
                {
                    await WaitAsync();
                }

                KeepSpare();
                var accepted = await socket.AcceptAsync(cancellationToken);
                _isShort = pauses && Descriptors.AreShort(accepted.Handle);
                if (EndPoint is IPEndPoint)
                {
                    accepted.NoDelay = noDelay;
                }

                try
                {
                    if (connect(accepted) is { } connection)
                    {
                        return connection;
                    }
                }
                catch
                {
                    accepted.Dispose();
                    throw;
                }
            }
            catch (Exception exception) when (exception is ObjectDisposedException or OperationCanceledException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                // Unbound: null means that no more connections come.
                return null;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                _spare?.Dispose();
                _isShort = pauses || _spare is null;
                _spare = null;
            }
            catch (SocketException)
            {
                // The client left before it was accepted.
            }
        }
    }

    /// <summary>Accepts no more.</summary>
    public void StopAccepting()
    {
        _unbound.Cancel();
        // Where others have it too it goes on to listen: the runtime shuts down none that is inherited.
        socket.Dispose();
    }

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        StopAccepting();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        _spare?.Dispose();
        _unbound.Dispose();
        return default;
    }

    private async Task WaitAsync()
    {
        if (!pauses)
        {
            await Task.Delay(Pause, _unbound.Token);
            _isShort = false;
            return;
        }

        // A single free descriptor lets one client in and is not reported.
        var isNews = _saidAt is not { } said || Stopwatch.GetElapsedTime(said) > Silence;
        if (isNews)
        {
            _saidAt = Stopwatch.GetTimestamp();
            Log.Short(logger, EndPoint, Descriptors.Limit);
            events.DescriptorsShort(Descriptors.Limit);
        }

        do
        {
            await Task.Delay(Pause, _unbound.Token);
        }
        while (Descriptors.AreShort());

        _isShort = false;
        if (isNews)
        {
            Log.Back(logger, EndPoint);
            events.DescriptorsBack();
        }
    }

    // A spare descriptor, which the admin port can close to accept a connection of the operator.
    private void KeepSpare()
    {
        if (!pauses && _spare is null)
        {
            try
            {
                _spare = Descriptors.OpenSpare();
            }
            catch (IOException)
            {
                // None is left yet.
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Few file descriptors are left of {Limit}: new connections to {EndPoint} wait until some are free. Raise the limit (ulimit -n, LimitNOFILE=) to serve more clients at a time.")]
        public static partial void Short(ILogger logger, EndPoint endPoint, int limit);

        [LoggerMessage(LogLevel.Warning, "There are file descriptors again: new connections to {EndPoint} are accepted.")]
        public static partial void Back(ILogger logger, EndPoint endPoint);
    }
}
