using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Hosting.Replicas;

/// <summary>One replica of a service.</summary>
/// <param name="Plan">Where it runs.</param>
/// <param name="Resource">The project or container that it is.</param>
public sealed record ReplicaResource(ReplicaPlan Plan, IResourceWithEndpoints Resource);
