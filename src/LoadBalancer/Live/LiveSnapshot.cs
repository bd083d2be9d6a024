namespace ClusterAspire.LoadBalancer.Live;

/// <summary>All that the live page shows at one moment.</summary>
/// <param name="Second">The last whole second it covers, on the balancer's monotonic clock.</param>
/// <param name="QueueLength">Compute requests waiting for a free core, second by second, oldest first.</param>
/// <param name="Replicas">The replicas, by name.</param>
public sealed record LiveSnapshot(long Second, IReadOnlyList<(long Second, int Length)> QueueLength, IReadOnlyList<LiveReplica> Replicas);
