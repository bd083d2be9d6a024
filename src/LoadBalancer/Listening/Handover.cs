using System.Runtime.InteropServices;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.Replica.Draining;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// Leaves the sockets to another process: at SIGWINCH this one accepts no more, ends the connections it has as soon as their
/// clients lose nothing by it, at the latest after <see cref="DrainOptions.Timeout"/>, and then stops as it does at SIGTERM.
/// </summary>
/// <remarks>The signal that nginx has for it.</remarks>
internal sealed partial class Handover(
    IOptions<LoadBalancerOptions> options,
    IOptions<DrainOptions> drainOptions,
    PausingListenerFactory listeners,
    OpenConnections connections,
    Drain drain,
    IHostApplicationLifetime application,
    ILogger<Handover> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private PosixSignalRegistration? _signal;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Without the runner it is what a terminal says whose size has changed.
        if (options.Value.Instance is not null && !OperatingSystem.IsWindows())
        {
            _signal = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Begin());
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _signal?.Dispose();

    private void Begin()
    {
        if (!connections.AreClosing)
        {
            Log.HandsOver(logger);
            listeners.StopAccepting();
            drain.Announce();
            connections.Close();
            _ = StopWhenIdleAsync();
        }
    }

    private async Task StopWhenIdleAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(application.ApplicationStopping);
        limit.CancelAfter(TimeSpan.FromSeconds(drainOptions.Value.Timeout));
        // Twice: one may have been on its way between being accepted and being counted.
        for (var idle = 0; idle < 2 && !limit.IsCancellationRequested; idle = connections.IsEmpty ? idle + 1 : 0)
        {
            await Task.Delay(Interval, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        drain.Begin();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Another load balancer takes new connections from now on: this one ends with those it has.")]
        public static partial void HandsOver(ILogger logger);
    }
}
