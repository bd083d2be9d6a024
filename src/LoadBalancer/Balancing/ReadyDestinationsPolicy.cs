using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Balancing;

/// <summary>Keeps in rotation the replicas that serve, and of those none that YARP's own health checks object to.</summary>
internal sealed class ReadyDestinationsPolicy(UpstreamCatalog replicas) : IAvailableDestinationsPolicy
{
    /// <inheritdoc/>
    public string Name => "Ready";

    /// <inheritdoc/>
    public IReadOnlyList<DestinationState> GetAvailalableDestinations(
        ClusterConfig config, IReadOnlyList<DestinationState> allDestinations) =>
        [.. allDestinations.Where(destination =>
            destination.Health is { Active: not DestinationHealth.Unhealthy, Passive: not DestinationHealth.Unhealthy }
            && replicas[destination].IsAvailable)];
}
