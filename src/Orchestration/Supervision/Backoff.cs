namespace ClusterAspire.Orchestration.Supervision;

/// <summary>How long to wait before the next restart: 100 ms, doubling to 10 s, and 100 ms again after 30 s of health.</summary>
/// <param name="time">Measures the health.</param>
/// <param name="atOnce">Whether the first restart of what was healthy is not waited for; 100 ms is then the second one's.</param>
public sealed class Backoff(TimeProvider time, bool atOnce = false)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HealthyPeriod = TimeSpan.FromSeconds(30);

    private TimeSpan _next = TimeSpan.Zero;
    private long? _healthySince;

    /// <summary>Records that the current run is healthy from now on, until <see cref="Next"/>.</summary>
    public void Healthy() => _healthySince = time.GetTimestamp();

    /// <summary>Whether the current run has been healthy for so long that the runs before it no longer count.</summary>
    public bool IsStable => _healthySince is { } since && time.GetElapsedTime(since) >= HealthyPeriod;

    /// <summary>How long to wait now that the run has ended.</summary>
    public TimeSpan Next()
    {
        var delay = IsStable ? TimeSpan.Zero : _next;
        if (delay < Shortest && !(atOnce && _healthySince is not null))
        {
            delay = Shortest;
        }

        _healthySince = null;
        _next = TimeSpan.FromTicks(Math.Clamp(delay.Ticks * 2, Shortest.Ticks, Longest.Ticks));
        return delay;
    }
}
