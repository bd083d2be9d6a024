namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>Something that happened to a replica or to the load balancer.</summary>
/// <param name="Time">When.</param>
/// <param name="Subject">To whom.</param>
/// <param name="Text">What.</param>
/// <param name="Kind">How it is to be taken.</param>
internal sealed record BalancerEvent(DateTimeOffset Time, string Subject, string Text, BalancerEventKind Kind);
