using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Draining;

/// <summary>
/// Stops this process gracefully: it is unhealthy at once, serves as before for <see cref="DrainOptions.Delay"/>, then accepts no new
/// connections and gives the requests in flight up to <see cref="DrainOptions.Timeout"/>.
/// </summary>
internal sealed partial class Drain(
    IHostApplicationLifetime application,
    IOptions<DrainOptions> options,
    IOptions<HostOptions> host,
    TimeProvider time,
    ILogger<Drain> logger) : IHostedService
{
    private int _begun;
    private volatile bool _isAnnounced;

    /// <summary>Whether this process is on its way out.</summary>
    public bool IsDraining => _isAnnounced || Volatile.Read(ref _begun) == 1 || application.ApplicationStopping.IsCancellationRequested;

    /// <summary>Is on its way out from now on, and serves until it <see cref="Begin">begins</see> to drain.</summary>
    public void Announce() => _isAnnounced = true;

    /// <summary>Starts to drain; further calls do nothing.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _begun, 1) == 1)
        {
            return;
        }

        Log.Draining(logger, options.Value.Delay, options.Value.Timeout);
        _ = StopAfterDelayAsync();
    }

    private async Task StopAfterDelayAsync()
    {
        if (options.Value.Delay > 0)
        {
            await Task.Delay(TimeSpan.FromSeconds(options.Value.Delay), time);
        }

        application.StopApplication();
    }

    // Not in a Configure<HostOptions>, because the host reads its options when it is built, before options are validated.
    Task IHostedService.StartAsync(CancellationToken cancellationToken)
    {
        host.Value.ShutdownTimeout = TimeSpan.FromSeconds(options.Value.Timeout);
        return Task.CompletedTask;
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Draining: serving for {Delay} s more, then {Timeout} s for the requests in flight.")]
        public static partial void Draining(ILogger logger, double delay, double timeout);
    }
}
