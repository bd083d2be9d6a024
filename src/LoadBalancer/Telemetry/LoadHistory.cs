namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>
/// How many of a replica's compute slots were in use, second by second. It is exact because every change is recorded. Not thread-safe.
/// </summary>
internal sealed class LoadHistory(TimeProvider time)
{
    // One more than can be asked for: the second that is running and the whole ones before it.
    private readonly (long Number, double InUse)[] _seconds = new (long, double)[LatencyHistory.SecondsKept + 1];
    private readonly long _length = time.TimestampFrequency;
    private long _until = time.GetTimestamp();
    private double _share;

    /// <summary>From now on this share of the slots is in use.</summary>
    public void Become(double share)
    {
        AddUp();
        _share = share;
    }

    /// <summary>The share in use in one of the last <see cref="LatencyHistory.SecondsKept"/> whole seconds, from 0 to 1.</summary>
    /// <param name="second">Which, as <see cref="LatencyHistory.SecondAt"/> counts them.</param>
    public double Second(long second)
    {
        AddUp();
        var (number, inUse) = _seconds[second % _seconds.Length];
        return number == second ? inUse / _length : 0;
    }

    private void AddUp()
    {
        var now = time.GetTimestamp();
        // Older seconds are not kept and do not count.
        for (var from = Math.Max(_until, now - (_seconds.Length * _length)); from < now;)
        {
            var number = from / _length;
            var to = Math.Min(now, (number + 1) * _length);
            ref var second = ref _seconds[number % _seconds.Length];
            second = (number, (second.Number == number ? second.InUse : 0) + (_share * (to - from)));
            from = to;
        }

        _until = now;
    }
}
