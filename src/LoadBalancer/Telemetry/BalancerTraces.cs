using System.Diagnostics;

namespace ClusterAspire.LoadBalancer;

/// <summary>The spans of a request on its way through the balancer: its wait for a core, and each try.</summary>
internal static class BalancerTraces
{
    private static readonly ActivitySource Source = new(BalancerMetrics.Name);

    /// <summary>A compute request waits for a core until this is disposed.</summary>
    public static Activity? StartWait() => Source.StartActivity("compute_queue");

    /// <summary>A replica has a request until this is disposed.</summary>
    /// <param name="replica">Which.</param>
    /// <param name="failed">How many replicas failed the request before.</param>
    public static Activity? StartTry(Replica replica, int failed) => Source.StartActivity("try")?
        .SetTag("clusteraspire.replica", replica.Name)
        .SetTag("clusteraspire.try", failed + 1);
}
