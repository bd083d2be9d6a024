using System.Collections.Concurrent;
using k8s;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>What a kustomization renders to, read into the API's types; a field they do not have is an error.</summary>
internal sealed class Rendering
{
    private static readonly Dictionary<string, Type> Types = new()
    {
        ["gateway.networking.k8s.io/v1/HTTPRoute"] = typeof(HttpRoute),
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(ScaledObject),
    };

    private static readonly ConcurrentDictionary<string, Lazy<Rendering>> Known = new();

    private Rendering(string yaml) =>
        Objects = [.. KubernetesYaml.LoadAllFromString(yaml, Types, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()];

    public IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects { get; }

    public IEnumerable<V1Deployment> Deployments => All<V1Deployment>();

    public V1Deployment Service => Deployment("replica");

    public V1Deployment LoadBalancer => Deployment("load-balancer");

    public static Rendering Of(string kustomization) => Known.GetOrAdd(kustomization, _ => new(() => Parse(Overlays.Render(kustomization)))).Value;

    public static Rendering Parse(string yaml) => new(yaml);

    public IEnumerable<T> All<T>() => Objects.OfType<T>();

    private V1Deployment Deployment(string component) =>
        Deployments.Single(deployment => deployment.Labels()["app.kubernetes.io/component"] == component);
}
