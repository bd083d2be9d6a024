namespace ClusterAspire.LoadBalancer;

/// <summary>When a replica is probed next; one probe at a time.</summary>
internal sealed class ProbeSchedule
{
    private const long Never = long.MaxValue;

    private long _due;
    private int _running;

    /// <summary>How many probes in a row had no answer in time.</summary>
    public int Timeouts { get; set; }

    /// <summary>Begins a probe if one is due and none is running.</summary>
    /// <param name="now">The present timestamp.</param>
    public bool TryBegin(long now)
    {
        if (now < Volatile.Read(ref _due) || Interlocked.Exchange(ref _running, 1) == 1)
        {
            return false;
        }

        Volatile.Write(ref _due, Never);
        return true;
    }

    /// <summary>A probe is due at once; while one is running, as soon as that ends, for it may have been answered before.</summary>
    public void Hurry() => Volatile.Write(ref _due, 0);

    /// <summary>Ends the probe.</summary>
    /// <param name="due">The timestamp of the next one.</param>
    public void End(long due)
    {
        Interlocked.CompareExchange(ref _due, due, Never);
        Volatile.Write(ref _running, 0);
    }
}
