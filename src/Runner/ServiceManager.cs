using System.Globalization;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner.Signals;
using Microsoft.Extensions.Hosting.Systemd;

namespace ClusterAspire.Runner;

/// <summary>
/// Tells systemd, if that started this process by a unit of <c>Type=notify</c>, when all services serve and when they drain,
/// and that it lives where the unit has a watchdog (sd_notify(3)).
/// </summary>
internal sealed class ServiceManager : IClusterOutput, IDisposable
{
    private readonly SystemdNotifier _notifier = new();
    private readonly IClusterOutput _inner;
    private readonly Timer? _watchdog;
    private readonly CancellationTokenRegistration _draining;
    private int _awaited;

    /// <param name="inner">Where all of it is shown.</param>
    /// <param name="stop">Says when they drain.</param>
    /// <param name="services">How many services there are.</param>
    public ServiceManager(IClusterOutput inner, StopSignals stop, int services)
    {
        (_inner, _awaited) = (inner, services);
        _draining = stop.Drain.Register(() => _notifier.Notify(ServiceState.Stopping));
        if (_notifier.IsEnabled && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out var microseconds))
        {
            // At half the interval, as sd_watchdog_enabled(3) recommends.
            var half = TimeSpan.FromMicroseconds(microseconds) / 2;
            _watchdog = new(_ => _notifier.Notify(new ServiceState("WATCHDOG=1")), null, TimeSpan.Zero, half);
        }
    }

    public void Line(string workload, string line) => _inner.Line(workload, line);

    public void Say(string message) => _inner.Say(message);

    public void Warn(string message) => _inner.Warn(message);

    public void Ready(ClusterPlan plan)
    {
        _inner.Ready(plan);
        if (Interlocked.Decrement(ref _awaited) is 0)
        {
            _notifier.Notify(ServiceState.Ready);
        }
    }

    public void Dispose()
    {
        _watchdog?.Dispose();
        _draining.Dispose();
    }
}
