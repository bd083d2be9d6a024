using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Balancing;

/// <summary>
/// Keeps in rotation the replicas that serve and that YARP's health checks accept. A replica that has been told to end, or that has
/// not been probed yet, is used only if no other serves. If most look unhealthy, all are used: then it is more likely that they
/// are overloaded, or that the probes are wrong, than that all have failed.
/// </summary>
/// <remarks>Envoy's panic threshold (healthy_panic_threshold), and its value.</remarks>
internal sealed class ReadyDestinationsPolicy(UpstreamCatalog replicas) : IAvailableDestinationsPolicy
{
    /// <summary>What a cluster's configuration calls it.</summary>
    public const string PolicyName = "Ready";

    private const double PanicThreshold = 0.5;

    /// <inheritdoc/>
    public string Name => PolicyName;

    /// <inheritdoc/>
    public IReadOnlyList<DestinationState> GetAvailalableDestinations(
        ClusterConfig config, IReadOnlyList<DestinationState> allDestinations) => Of(allDestinations);

    /// <summary>The destinations in rotation.</summary>
    public IReadOnlyList<DestinationState> Of(IReadOnlyList<DestinationState> all)
    {
        List<DestinationState> ready = [.. all.Where(destination =>
            destination.Health is { Active: not DestinationHealth.Unhealthy, Passive: not DestinationHealth.Unhealthy }
            && replicas[destination].IsAvailable)];
        List<DestinationState> unhealthy = [.. all.Where(destination => replicas[destination] is { LooksUnhealthy: true, IsTerminating: false })];
        var panics = ready.Count < PanicThreshold * (ready.Count + unhealthy.Count);
        return [.. Best(ready), .. panics ? unhealthy : []];
    }

    private IEnumerable<DestinationState> Best(List<DestinationState> ready)
    {
        var best = ready.Select(Rank).DefaultIfEmpty().Max();
        return ready.Where(destination => Rank(destination) == best);
    }

    private int Rank(DestinationState destination) => replicas[destination] switch
    {
        { IsUnknown: true } => 0,
        { IsTerminating: true } => 1,
        _ => 2,
    };
}
