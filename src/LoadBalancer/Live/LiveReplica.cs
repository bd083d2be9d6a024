using ClusterAspire.Contract;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>One replica on the live page.</summary>
/// <param name="Status">What the replica API says of it.</param>
/// <param name="Seconds">Its last five minutes, oldest first.</param>
public sealed record LiveReplica(ReplicaStatus Status, IReadOnlyList<ReplicaSecond> Seconds);
