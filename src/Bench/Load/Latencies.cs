using HdrHistogram;

namespace ClusterAspire.Bench;

/// <summary>A distribution of latencies, from 1 µs to 10 min, right to 0.1 %.</summary>
internal sealed class Latencies
{
    private const long Highest = 600_000_000; // µs

    private readonly LongHistogram _histogram = new(1, Highest, 3);

    /// <summary>How many there are.</summary>
    public long Count => _histogram.TotalCount;

    /// <summary>Reads what <see cref="ToPairs"/> wrote.</summary>
    public static Latencies FromPairs(IEnumerable<long[]> pairs)
    {
        var latencies = new Latencies();
        latencies.Add(pairs);
        return latencies;
    }

    /// <summary>Adds one.</summary>
    public void Add(TimeSpan latency) => _histogram.RecordValue(Math.Clamp((long)latency.TotalMicroseconds, 1, Highest));

    /// <summary>Adds others.</summary>
    public void Add(IEnumerable<long[]> pairs)
    {
        foreach (var pair in pairs)
        {
            _histogram.RecordValueWithCount(pair[0], pair[1]);
        }
    }

    /// <summary>The latency that so many percent of the requests do not exceed, in ms; not a number when there are none.</summary>
    /// <param name="percentile">From 0 to 100.</param>
    public double Percentile(double percentile) =>
        Count == 0 ? double.NaN : _histogram.GetValueAtPercentile(percentile) / 1000.0;

    /// <summary>Pairs of µs and count.</summary>
    public IReadOnlyList<long[]> ToPairs() =>
        [.. _histogram.RecordedValues().Select(value => new[] { value.ValueIteratedTo, value.CountAtValueIteratedTo })];
}
