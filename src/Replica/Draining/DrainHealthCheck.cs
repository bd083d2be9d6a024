using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClusterAspire.Replica.Draining;

/// <summary>Not ready while draining, so that every readiness endpoint answers 503.</summary>
internal sealed class DrainHealthCheck(Drain drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(drain.IsDraining ? HealthCheckResult.Unhealthy("Draining") : HealthCheckResult.Healthy());
}
