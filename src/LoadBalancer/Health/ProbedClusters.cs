using ClusterAspire.LoadBalancer.Balancing;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>Which clusters are ours to probe.</summary>
internal static class ProbedClusters
{
    /// <summary>Whether the cluster's configuration names one of our policies; another may have health checks of its own, or none.</summary>
    public static bool IsProbed(this ClusterState cluster) =>
        cluster.Model?.Config is { } config
        && (Is(config.HealthCheck?.AvailableDestinationsPolicy, ReadyDestinationsPolicy.PolicyName) || Is(config.LoadBalancingPolicy, CoreAwarePolicy.PolicyName));

    /// <summary>Whether <see cref="ReadyDestinationsPolicy"/> decides which of the cluster's destinations are in rotation.</summary>
    public static bool UsesOurRotation(this ClusterState cluster) =>
        Is(cluster.Model?.Config.HealthCheck?.AvailableDestinationsPolicy, ReadyDestinationsPolicy.PolicyName);

    private static bool Is(string? policy, string name) => string.Equals(policy, name, StringComparison.OrdinalIgnoreCase);
}
