using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Somebody who talks or is talked to over the cluster's network.</summary>
/// <param name="Name">What it is called in the tests.</param>
/// <param name="Namespace">The namespace its pod is in; null for what is no pod.</param>
/// <param name="Labels">Its pod's labels.</param>
/// <param name="Address">Its IP address.</param>
internal sealed record Endpoint(string Name, string? Namespace, IDictionary<string, string> Labels, string Address)
{
    public bool Is(V1NetworkPolicyPeer peer, string policyNamespace)
    {
        if (peer.IpBlock is { } block)
        {
            return System.Net.IPNetwork.Parse(block.Cidr).Contains(System.Net.IPAddress.Parse(Address));
        }

        if (Namespace is null)
        {
            return false;
        }

        var inNamespace = peer.NamespaceSelector is { } selector
            ? selector.Selects(new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = Namespace })
            : Namespace == policyNamespace;
        return inNamespace && (peer.PodSelector is null || peer.PodSelector.Selects(Labels));
    }
}
