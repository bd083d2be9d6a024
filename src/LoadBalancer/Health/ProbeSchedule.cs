namespace ClusterAspire.LoadBalancer.Health;

/// <summary>When a replica is probed next; one probe at a time.</summary>
/// <param name="spacing">The least time between the beginnings of two probes, however many suspicions there are.</param>
internal sealed class ProbeSchedule(long spacing)
{
    private const long Never = long.MaxValue;

    private long _due;
    private long _begun;
    private int _running;

    /// <summary>How many probes in a row had no answer in time.</summary>
    public int Timeouts { get; set; }

    /// <summary>What the last probe found to object to; said once.</summary>
    public string? Problem { get; set; }

    /// <summary>The timestamp of the next probe; never while one is running, for its end says when.</summary>
    public long Due => Volatile.Read(ref _running) == 1 ? Never : Math.Max(Volatile.Read(ref _due), _begun + spacing);

    /// <summary>Begins a probe if one is due and none is running. Only one thread at a time may ask.</summary>
    /// <param name="now">The present timestamp.</param>
    public bool TryBegin(long now)
    {
        if (now < Due)
        {
            return false;
        }

        _begun = now;
        Volatile.Write(ref _due, Never);
        Volatile.Write(ref _running, 1);
        return true;
    }

    /// <summary>Makes a probe due now or, while one is running, when that ends, because its answer may be older than the reason for this call.</summary>
    public void MakeDue() => Volatile.Write(ref _due, 0);

    /// <summary>Ends the probe.</summary>
    /// <param name="due">The timestamp of the next one.</param>
    public void End(long due)
    {
        Interlocked.CompareExchange(ref _due, due, Never);
        Volatile.Write(ref _running, 0);
    }
}
