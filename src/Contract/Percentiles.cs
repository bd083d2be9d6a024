namespace ClusterAspire.Contract;

/// <summary>Latencies over some time.</summary>
/// <param name="Count">How many requests.</param>
/// <param name="P50">The median, in milliseconds; null when there was no request.</param>
/// <param name="P95">The 95th percentile, in milliseconds.</param>
/// <param name="P99">The 99th percentile, in milliseconds.</param>
public sealed record Percentiles(long Count, double? P50, double? P95, double? P99);
