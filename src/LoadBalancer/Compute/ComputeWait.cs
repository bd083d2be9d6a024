using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Health;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Compute;

/// <summary>A compute request waiting for a slot.</summary>
/// <param name="cluster">The cluster whose replicas may take it.</param>
/// <param name="pinned">The only destinations it may go to (session affinity), or null for all.</param>
/// <param name="excluded">Destinations that already failed it.</param>
internal sealed class ComputeWait(
    ClusterState cluster, IReadOnlyList<DestinationState>? pinned, IReadOnlyCollection<DestinationState> excluded)
{
    /// <summary>The slot, once there is one.</summary>
    // Continuations must not run under the queue's lock.
    public TaskCompletionSource<ComputeLease> Slot { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The destinations that may take it now.</summary>
    public IReadOnlyList<DestinationState> Candidates(ReadyDestinationsPolicy rotation)
    {
        var available = InRotation(rotation);
        return pinned is null && excluded.Count == 0 ? available : [.. available.Where(MayGoTo)];
    }

    /// <summary>Whether a destination may take it now.</summary>
    public bool Accepts(DestinationState destination, ReadyDestinationsPolicy rotation) =>
        MayGoTo(destination) && InRotation(rotation).Contains(destination);

    private bool MayGoTo(DestinationState destination) =>
        !excluded.Contains(destination) && (pinned is null || pinned.Contains(destination));

    // Not YARP's list of available destinations, which YARP updates later and without an event.
    private IReadOnlyList<DestinationState> InRotation(ReadyDestinationsPolicy rotation) =>
        cluster.UsesOurRotation() ? rotation.Of(cluster.DestinationsState.AllDestinations) : cluster.DestinationsState.AvailableDestinations;
}
