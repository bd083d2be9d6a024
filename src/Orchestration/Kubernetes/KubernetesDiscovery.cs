namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>How the load balancers find the pods.</summary>
public enum KubernetesDiscovery
{
    /// <summary>The API tells them, by EndpointSlices; DNS stands in while it does not answer.</summary>
    Kubernetes,

    /// <summary>By DNS alone: without an account, but a pod that leaves has to wait until what DNS caches is old.</summary>
    Dns,
}
