using ClusterAspire.Contract;
using HdrHistogram;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>Latencies of one replica and route class: the last seconds, the last minute and since start.</summary>
/// <remarks>
/// HdrHistogram with two significant digits: percentiles are accurate to 1 %, from 1 µs to 10 min, in about 12 KB for each
/// slice. Seconds are kept for the last 10, then as 10 s slices for the minute.
/// </remarks>
internal sealed class LatencyHistory(TimeProvider time)
{
    /// <summary>How many whole seconds can be asked for.</summary>
    public const int SecondsKept = 10;

    private const long Highest = 600_000_000; // µs
    private const int Digits = 2;

    private readonly Lock _lock = new();
    private readonly Ring _seconds = new(TimeSpan.FromSeconds(1), slices: SecondsKept);
    private readonly Ring _tens = new(TimeSpan.FromSeconds(10), slices: 6);
    private readonly LongHistogram _sinceStart = new(Highest, Digits);

    /// <summary>Adds a request.</summary>
    public void Record(TimeSpan latency)
    {
        var microseconds = Math.Clamp((long)latency.TotalMicroseconds, 1, Highest);
        var now = Now();
        lock (_lock)
        {
            _seconds.At(now).RecordValue(microseconds);
            _tens.At(now).RecordValue(microseconds);
            _sinceStart.RecordValue(microseconds);
        }
    }

    /// <summary>All percentiles that the replica API gives.</summary>
    public RouteClassStatus Status => new(Last10Seconds(), LastMinute(), SinceStart());

    /// <summary>Percentiles over the last 10 s.</summary>
    public Percentiles Last10Seconds() => Over(_seconds, SecondsKept);

    /// <summary>Percentiles over the last minute.</summary>
    public Percentiles LastMinute() => Over(_tens, slices: 6);

    /// <summary>Percentiles since the load balancer started.</summary>
    public Percentiles SinceStart()
    {
        lock (_lock)
        {
            return Read(_sinceStart);
        }
    }

    /// <summary>All latencies of one of the last <see cref="SecondsKept"/> whole seconds, in µs.</summary>
    /// <param name="second">Which, as <see cref="SecondAt"/> counts them.</param>
    public HistogramBase Second(long second)
    {
        var sum = new LongHistogram(Highest, Digits);
        lock (_lock)
        {
            _seconds.AddTo(sum, TimeSpan.FromSeconds(second), slices: 1);
        }

        return sum;
    }

    /// <summary>The number of the second that is running.</summary>
    public static long SecondAt(TimeProvider time) => time.GetElapsedTime(0).Ticks / TimeSpan.TicksPerSecond;

    /// <summary>Percentiles of a histogram of µs.</summary>
    public static Percentiles Read(HistogramBase histogram)
    {
        double? At(double percentile) =>
            histogram.TotalCount == 0 ? null : histogram.GetValueAtPercentile(percentile) / 1000.0;
        return new Percentiles(histogram.TotalCount, At(50), At(95), At(99));
    }

    private Percentiles Over(Ring ring, int slices)
    {
        var sum = new LongHistogram(Highest, Digits);
        lock (_lock)
        {
            ring.AddTo(sum, Now(), slices);
        }

        return Read(sum);
    }

    private TimeSpan Now() => time.GetElapsedTime(0);

    private sealed class Ring(TimeSpan width, int slices)
    {
        // One more than is read: the slice being written and the whole ones before it.
        private readonly (long Number, IntHistogram? Histogram)[] _slices = new (long, IntHistogram?)[slices + 1];

        public IntHistogram At(TimeSpan now)
        {
            var number = now.Ticks / width.Ticks;
            ref var slice = ref _slices[number % _slices.Length];
            slice.Histogram ??= new IntHistogram(1, Highest, Digits);
            if (slice.Number != number)
            {
                slice.Histogram.Reset();
                slice.Number = number;
            }

            return slice.Histogram;
        }

        public void AddTo(LongHistogram sum, TimeSpan now, int slices)
        {
            var last = now.Ticks / width.Ticks;
            foreach (var (number, histogram) in _slices)
            {
                if (histogram is not null && number > last - slices && number <= last)
                {
                    sum.Add(histogram);
                }
            }
        }
    }
}
