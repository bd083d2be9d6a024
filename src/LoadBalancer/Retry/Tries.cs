using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>The tries one safe request has had.</summary>
internal sealed class Tries(RetryBudget budget, ClusterState cluster)
{
    private readonly List<DestinationState> _failed = [];

    /// <summary>The destinations that failed it.</summary>
    public IReadOnlyCollection<DestinationState> Failed => _failed;

    /// <summary>Whether another destination is to be tried.</summary>
    public bool Again { get; private set; }

    /// <summary>The destinations not tried yet.</summary>
    public IReadOnlyList<DestinationState> Left =>
        [.. cluster.DestinationsState.AvailableDestinations.Where(destination => !_failed.Contains(destination))];

    /// <summary>Starts a try.</summary>
    public void Start() => Again = false;

    /// <summary>A destination failed this request before the response started.</summary>
    /// <returns>Whether another one will be tried: one is left, and so is budget.</returns>
    public bool Fail(DestinationState destination)
    {
        _failed.Add(destination);
        return Again = Left.Count > 0 && budget.TryWithdraw();
    }
}
