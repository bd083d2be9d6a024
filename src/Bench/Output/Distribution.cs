using ClusterAspire.Contract;

namespace ClusterAspire.Bench;

/// <summary>The latencies of one system under one load.</summary>
/// <param name="Scenario">In which scenario.</param>
/// <param name="System">Of what.</param>
/// <param name="Case">Under what load.</param>
/// <param name="Percentiles">Pairs of percentile and latency in ms.</param>
internal sealed record Distribution(string Scenario, string System, string Case, IReadOnlyList<double[]> Percentiles)
{
    private static readonly double[] Kept = [1, 10, 25, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 96, 97, 98, 99, 99.5, 99.9];

    /// <summary>The distribution of these latencies.</summary>
    public static Distribution Of(string scenario, string system, string @case, Latencies latencies) =>
        new(scenario, system, @case, [.. Kept.Select(percentile => new[] { percentile, latencies.Percentile(percentile) })]);
}
