using System.Diagnostics.Metrics;

namespace ClusterAspire.Replica.Telemetry;

/// <summary>Buckets of duration histograms.</summary>
public static class DurationBuckets
{
    /// <summary>
    /// Their bounds in seconds, from microseconds to minutes: 1, 2.5 and 5 of each decade, the steps of OpenTelemetry's own
    /// bounds for HTTP durations, which start at 5 ms and end at 10 s.
    /// </summary>
    public static IReadOnlyList<double> Bounds { get; } =
    [
        1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
        0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500,
    ];

    /// <summary>Creates a histogram of durations in seconds that advises these buckets.</summary>
    /// <param name="meter">The meter it belongs to.</param>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it measures.</param>
    public static Histogram<double> CreateDurations(this Meter meter, string name, string description) =>
        meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Bounds });
}
