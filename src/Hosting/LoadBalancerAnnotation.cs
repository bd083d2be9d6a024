using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Hosting;

/// <summary>Says that a project is a load balancer.</summary>
/// <param name="Resource">The project.</param>
/// <param name="Plan">Its ports.</param>
public sealed record LoadBalancerAnnotation(ProjectResource Resource, LoadBalancerPlan Plan) : IResourceAnnotation
{
    /// <summary>The service it balances; null before it references one.</summary>
    public ReplicatedService? Service { get; internal set; }
}
