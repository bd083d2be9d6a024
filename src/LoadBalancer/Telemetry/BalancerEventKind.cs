namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>How an event is to be taken.</summary>
internal enum BalancerEventKind
{
    /// <summary>Something works (again).</summary>
    Good,

    /// <summary>Something is on its way or at its limit.</summary>
    Warning,

    /// <summary>Something broke.</summary>
    Bad,
}
