using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Balancing;

/// <summary>
/// Picks the destination with the fewest requests in flight; among equals one without compute work, and among those in turn.
/// </summary>
/// <remarks>
/// It compares all destinations, not two at random: with two choices some cores stay idle when requests are
/// CPU-bound (envoy#4481). The scan ends at the first idle replica; with none idle its cost grows with their number
/// (src/Bench measures it: <c>picking</c>).
/// </remarks>
internal sealed class CoreAwarePolicy(UpstreamCatalog replicas) : ILoadBalancingPolicy
{
    /// <summary>What a cluster's configuration calls it.</summary>
    public const string PolicyName = "CoreAware";

    private uint _turn;

    /// <inheritdoc/>
    public string Name => PolicyName;

    /// <inheritdoc/>
    public DestinationState? PickDestination(
        HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations) =>
        Pick(availableDestinations, static _ => true);

    /// <summary>Picks among those destinations whose replica is eligible.</summary>
    /// <returns>The destination, or null when none is eligible.</returns>
    public DestinationState? Pick(IReadOnlyList<DestinationState> destinations, Func<Upstream, bool> isEligible)
    {
        var candidates = replicas[destinations];
        if (candidates.IsEmpty)
        {
            return null;
        }

        Upstream? best = null;
        var (fewest, leastCompute) = (int.MaxValue, int.MaxValue);
        var start = (int)(Interlocked.Increment(ref _turn) % (uint)candidates.Length);

        for (var i = 0; i < candidates.Length; i++)
        {
            var index = start + i;
            var replica = candidates[index < candidates.Length ? index : index - candidates.Length];
            var (inFlight, compute) = (replica.InFlight, replica.ComputeInFlight);

            if ((inFlight < fewest || (inFlight == fewest && compute < leastCompute)) && isEligible(replica))
            {
                (best, fewest, leastCompute) = (replica, inFlight, compute);
                if (inFlight == 0 && compute == 0)
                {
                    break;
                }
            }
        }

        return best?.Destination;
    }
}
