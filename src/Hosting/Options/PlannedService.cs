using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Hosting.Options;

/// <summary>A service and where its replicas run.</summary>
/// <param name="Name">The service's name.</param>
/// <param name="Options">What the user chose.</param>
/// <param name="Plan">Where each replica runs.</param>
/// <param name="Started">How many of them start with the application; the others are room to scale into.</param>
internal sealed record PlannedService(string Name, ClusterOptions Options, ClusterPlan Plan, int Started);
