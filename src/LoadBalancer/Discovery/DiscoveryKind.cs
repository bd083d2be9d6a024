namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>How the load balancer finds its destinations.</summary>
public enum DiscoveryKind
{
    /// <summary>The configuration's addresses are the destinations.</summary>
    Static,

    /// <summary>A host name in an address stands for every address it resolves to: a headless Service, or a container's alias.</summary>
    Dns,
}
