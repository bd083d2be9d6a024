using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>The tries one request has had.</summary>
/// <param name="policy">Decides whether there is another.</param>
/// <param name="cluster">Whose destinations may be tried.</param>
/// <param name="isSafe">Whether the request may be sent twice.</param>
/// <param name="computeRoute">The route by which the request occupies a core, or null.</param>
internal sealed class Tries(RetryPolicy policy, ClusterState cluster, bool isSafe, string? computeRoute)
{
    private List<DestinationState>? _failed;
    private int _sent;

    /// <summary>The destinations that failed it.</summary>
    public IReadOnlyCollection<DestinationState> Failed => _failed ?? [];

    /// <summary>Whether the request occupies a core.</summary>
    public bool IsCompute => computeRoute is not null;

    /// <summary>The route by which the request occupies a core, or null.</summary>
    public string? ComputeRoute => computeRoute;

    /// <summary>The timestamp at which the present try's replica began to answer; 0 before.</summary>
    public long RespondedAt { get; set; }

    /// <summary>Whether the connection has become one of another protocol, such as a WebSocket.</summary>
    public bool IsUpgraded { get; set; }

    /// <summary>Whether another destination is to be tried.</summary>
    public bool Again { get; private set; }

    /// <summary>The destinations not tried yet.</summary>
    public IReadOnlyList<DestinationState> Left =>
        [.. cluster.DestinationsState.AvailableDestinations.Where(destination => !Failed.Contains(destination))];

    /// <summary>Starts a try.</summary>
    public void Start() => (Again, RespondedAt) = (false, 0);

    /// <summary>A destination failed this request before the response started.</summary>
    /// <returns>Whether another one will be tried: the policy allows it and one is left.</returns>
    public bool Fail(DestinationState destination, TryFailure failure)
    {
        (_failed ??= []).Add(destination);
        _sent += failure is TryFailure.NotSent ? 0 : 1;
        return Again = Left.Count > 0 && policy.Allows(failure, isSafe, _sent);
    }
}
