namespace ClusterAspire.Orchestration;

/// <summary>Which replica runs where: the one source of truth for every target.</summary>
/// <param name="Name">The service's name.</param>
/// <param name="Replicas">The replicas, in order of their number.</param>
/// <param name="LoadBalancer">The load balancer in front of them.</param>
/// <param name="Warnings">What the user should know about this plan, one sentence each.</param>
public sealed record ClusterPlan(
    string Name,
    IReadOnlyList<ReplicaPlan> Replicas,
    LoadBalancerPlan LoadBalancer,
    IReadOnlyList<string> Warnings);
