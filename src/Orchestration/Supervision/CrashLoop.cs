namespace ClusterAspire.Orchestration.Supervision;

/// <summary>
/// Says when to start a workload again after it has ended. After <see cref="Threshold"/> ends in a row without 30 s of health in
/// between it is in a crash loop, which is reported once and not at each end.
/// </summary>
/// <param name="time">Measures health.</param>
/// <param name="atOnce">Whether what was healthy is started again at once the first time (<see cref="Backoff"/>).</param>
public sealed class CrashLoop(TimeProvider time, bool atOnce = false)
{
    /// <summary>How many ends in a row make a crash loop.</summary>
    public const int Threshold = 5;

    /// <summary>The time between two runs of a crash loop in which it does not get ready.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Backoff _backoff = new(time, atOnce);
    private bool _wasHealthy;

    /// <summary>How many runs in a row have ended without 30 s of health.</summary>
    public int Ends { get; private set; }

    /// <summary>Whether it is in a crash loop: neither ready again nor given up.</summary>
    public bool IsLooping => Ends >= Threshold && !_wasHealthy;

    /// <summary>Notes that the present run is ready.</summary>
    public void Healthy()
    {
        _backoff.Healthy();
        _wasHealthy = true;
    }

    /// <summary>Notes that the present run has ended.</summary>
    /// <returns>How long to wait before the next one.</returns>
    public TimeSpan Ended()
    {
        Ends = _backoff.IsStable ? 1 : Ends + 1;
        var delay = _backoff.Next();
        delay = Ends >= Threshold && !_wasHealthy ? Interval : delay;
        _wasHealthy = false;
        return delay;
    }
}
