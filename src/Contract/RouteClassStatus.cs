namespace ClusterAspire.Contract;

/// <summary>Latencies of one route class on one replica.</summary>
/// <param name="Last10s">Over the last 10 s.</param>
/// <param name="Last1m">Over the last minute.</param>
/// <param name="SinceStart">Since the load balancer started.</param>
public sealed record RouteClassStatus(Percentiles Last10s, Percentiles Last1m, Percentiles SinceStart);
