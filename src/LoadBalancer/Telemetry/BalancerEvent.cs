namespace ClusterAspire.LoadBalancer;

/// <summary>Something that happened to a replica or to the load balancer.</summary>
/// <param name="Time">When.</param>
/// <param name="Subject">To whom.</param>
/// <param name="Text">What.</param>
internal sealed record BalancerEvent(DateTimeOffset Time, string Subject, string Text);
