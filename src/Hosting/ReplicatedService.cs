using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Hosting;

/// <summary>
/// A service that runs as several replicas, each of which is a resource below this one. Every replica gets the environment, arguments,
/// references and waits of this resource.
/// </summary>
/// <param name="name">The service's name.</param>
/// <param name="plan">Where each replica runs.</param>
/// <param name="started">How many of them start with the application; the others are room to scale into.</param>
public sealed class ReplicatedService(string name, ClusterPlan plan, int started)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithWaitSupport
{
    private readonly List<ReplicaResource> _replicas = [];

    /// <summary>Where each replica runs.</summary>
    public ClusterPlan Plan => plan;

    /// <summary>How long a replica may leave its liveness probe unanswered; null when publishing.</summary>
    public LivenessLimits? Limits { get; init; }

    /// <summary>How many replicas start with the application.</summary>
    public int Started => started;

    /// <summary>The replicas, in order of their number; none when publishing.</summary>
    public IReadOnlyList<ReplicaResource> Replicas => _replicas;

    /// <summary>The service as one resource, which is what is published; null when running.</summary>
    public IResourceWithEndpoints? Published { get; internal set; }

    /// <summary>The load balancer in front of it; null before one references it.</summary>
    public LoadBalancerAnnotation? LoadBalancer { get; internal set; }

    internal void Add(ReplicaResource replica) => _replicas.Add(replica);
}
