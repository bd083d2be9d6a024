namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>How the load balancer finds its destinations.</summary>
public enum DiscoveryKind
{
    /// <summary>The configuration's addresses are the destinations.</summary>
    Static,

    /// <summary>A host name in an address stands for every address it resolves to: a headless Service, or a container's alias.</summary>
    Dns,

    /// <summary>
    /// A host name in an address is the name of a Kubernetes Service and stands for the endpoints in its EndpointSlices. DNS is used
    /// while the API does not answer.
    /// </summary>
    Kubernetes,

    /// <summary><see cref="Kubernetes"/> in a pod that has a service account's token, <see cref="Dns"/> elsewhere.</summary>
    Auto,
}
