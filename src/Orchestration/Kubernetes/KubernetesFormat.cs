namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>As what manifests are published.</summary>
public enum KubernetesFormat
{
    /// <summary>A Kustomize base, for <c>kubectl apply -k</c>.</summary>
    Kustomize,

    /// <summary>A Helm chart, for <c>helm install</c>.</summary>
    Helm,
}
