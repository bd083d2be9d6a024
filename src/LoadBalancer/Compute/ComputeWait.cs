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
    public IReadOnlyList<DestinationState> Candidates =>
        pinned is null && excluded.Count == 0
            ? cluster.DestinationsState.AvailableDestinations
            : [.. cluster.DestinationsState.AvailableDestinations.Where(MayGoTo)];

    /// <summary>Whether a destination may take it.</summary>
    public bool Accepts(DestinationState destination) =>
        MayGoTo(destination) && cluster.DestinationsState.AvailableDestinations.Contains(destination);

    private bool MayGoTo(DestinationState destination) =>
        !excluded.Contains(destination) && (pinned is null || pinned.Contains(destination));
}
