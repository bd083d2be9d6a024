using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClusterAspire.Hosting.Replicas;

/// <summary>
/// Asks a replica at <c>/health</c>, and judges the answer as the load balancer does: a service that has no health checks is
/// healthy as soon as it answers.
/// </summary>
internal sealed class ReplicaHealthCheck(ReplicaPlan replica) : IHealthCheck
{
    private readonly Uri _health = new(replica.Address, Probes.Health);

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var result = await Probe.AskAsync(_health, cancellationToken);
        return new(result.Outcome is ProbeOutcome.Serves ? HealthStatus.Healthy : context.Registration.FailureStatus, result.Text);
    }
}
