using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Hosting;

/// <summary>A service that runs as several replicas, each a resource of its own below this one.</summary>
/// <param name="name">The service's name.</param>
/// <param name="plan">Where each replica runs.</param>
/// <param name="started">How many of them start with the application.</param>
public sealed class ReplicatedService(string name, ClusterPlan plan, int started) : Resource(name)
{
    private readonly List<Replica> _replicas = [];

    /// <summary>Where each replica runs.</summary>
    public ClusterPlan Plan => plan;

    /// <summary>How many replicas start with the application.</summary>
    public int Started => started;

    /// <summary>The replicas, in order of their number; none when publishing.</summary>
    public IReadOnlyList<Replica> Replicas => _replicas;

    /// <summary>The service as one resource, which is what is published; null when running.</summary>
    public IResourceWithEndpoints? Published { get; internal set; }

    internal void Add(ReplicaPlan replica, IResource resource) => _replicas.Add(new(replica, resource));

    /// <summary>One replica.</summary>
    /// <param name="Plan">Where it runs.</param>
    /// <param name="Resource">The project or container that it is.</param>
    public sealed record Replica(ReplicaPlan Plan, IResource Resource);
}
