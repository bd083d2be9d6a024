using System.Collections.Concurrent;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The pods' templates as they are published for one way of discovery.</summary>
internal sealed record Manifests(V1Deployment Service, V1Deployment LoadBalancer)
{
    private static readonly ConcurrentDictionary<string, Lazy<Manifests>> Published = new();

    /// <summary>How long a new pod has to be ready before it counts.</summary>
    public TimeSpan MinReady => TimeSpan.FromSeconds(Service.Spec.MinReadySeconds ?? 0);

    /// <summary>How long a pod told to end goes on before it gets SIGTERM.</summary>
    public TimeSpan PreStop => TimeSpan.FromSeconds(Service.Container().Lifecycle.PreStop.Sleep.Seconds);

    /// <summary>Publishes them.</summary>
    /// <param name="discovery">The value of the switch <c>--discovery</c>.</param>
    public static Manifests For(string discovery) => Published.GetOrAdd(discovery, _ => new(() => Publish(discovery))).Value;

    private static Manifests Publish(string discovery)
    {
        var directory = Directory.CreateTempSubdirectory("clusteraspire-manifests-").FullName;
        try
        {
            TestProcess.Run("dotnet", Repository.Output("Runner"), "publish", "k8s", "--output", directory, "--discovery", discovery);
            return new(Deployment("service.yaml"), Deployment("loadbalancer.yaml"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        V1Deployment Deployment(string file) => Rendering.Parse(File.ReadAllText(Path.Combine(directory, file))).Deployments.Single();
    }
}
