namespace ClusterAspire.LoadBalancer.Live;

/// <summary>One second of one replica.</summary>
/// <param name="Second">Which second, on the balancer's monotonic clock.</param>
/// <param name="LightP99">The 99th percentile of its light requests, in milliseconds; null when there was none.</param>
/// <param name="Load">The share of its compute slots in use, from 0 to 1.</param>
/// <param name="Requests">How many requests it answered.</param>
/// <param name="Heat">How many of them fell into each row of the <see cref="HeatScale"/>; empty rows are left out.</param>
public sealed record ReplicaSecond(
    long Second, double? LightP99, double Load, long Requests, IReadOnlyList<(int Row, long Count)> Heat);
