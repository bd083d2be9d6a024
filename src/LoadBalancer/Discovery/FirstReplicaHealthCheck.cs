using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>
/// Reports not ready until the first discovered replica has answered, so that a new load balancer beside others refuses no request.
/// After that it always reports ready: if all replicas are gone, a clear 503 is better than a refused connection.
/// </summary>
internal sealed class FirstReplicaHealthCheck(UpstreamCatalog replicas, IOptions<LoadBalancerOptions> options) : IHealthCheck
{
    private bool _found = options.Value.Discovery is DiscoveryKind.Static;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult((_found |= replicas.All.Any(replica => replica is { IsUnknown: false, IsAvailable: true })) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("No replica found yet."));
}
