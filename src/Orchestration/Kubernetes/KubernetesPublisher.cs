using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>Writes a plan as a Kustomize base: what the embedded orchestrator runs on one machine, for a cluster of them.</summary>
/// <remarks>
/// A replica becomes a pod, the supervisor the Deployment's controller and the kubelet, the plan's addresses a headless
/// Service that the load balancers look up, and the replica count the autoscaler's lower bound.
/// </remarks>
/// <param name="plan">The plan, made for <see cref="KubernetesOptions.Machine"/>.</param>
/// <param name="options">What the plan leaves open.</param>
public sealed class KubernetesPublisher(ClusterPlan plan, KubernetesOptions options)
{
    /// <summary>Writes the base's files; files of other names in the directory are left alone.</summary>
    /// <param name="directory">Where to; made when it is not there.</param>
    /// <returns>The files written, by their paths.</returns>
    /// <exception cref="ClusterException">The directory cannot be written to, or the service is called like the load balancer.</exception>
    public IReadOnlyList<string> Publish(string directory)
    {
        if (plan.Name is LoadBalancerPlan.Name)
        {
            throw new ClusterException($"{ClusterOptions.Switch(nameof(plan.Name))} must be another than the load balancer's, '{LoadBalancerPlan.Name}'.");
        }

        try
        {
            Directory.CreateDirectory(directory);
            return [.. Files().Select(file =>
            {
                var path = Path.Combine(directory, file.Name);
                File.WriteAllText(path, file.ToString());
                return path;
            })];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{directory} cannot be written to ({e.Message.TrimEnd('.')}): choose another by --output.");
        }
    }

    private IEnumerable<ManifestFile> Files()
    {
        ManifestFile[] files =
        [
            new("namespace.yaml", Namespace()),
            new("service.yaml", new ServiceManifests(plan, options).All),
            new("loadbalancer.yaml", new LoadBalancerManifests(plan, options).All),
            new("network.yaml", new NetworkManifests(plan).All),
        ];
        return [new("kustomization.yaml", Kustomization(files)), .. files];
    }

    private Manifest Kustomization(IEnumerable<ManifestFile> files) => new(
        "An overlay may change the namespace and the images; everything refers to these.",
        new
        {
            ApiVersion = "kustomize.config.k8s.io/v1beta1",
            Kind = "Kustomization",
            options.Namespace,
            Resources = files.Select(file => file.Name),
            Images = new[] { Image(options.ServiceImage), Image(options.LoadBalancerImage) },
        });

    private static object Image(string image)
    {
        var tag = image.LastIndexOf(':');
        return new { Name = image[..tag], NewTag = image[(tag + 1)..] };
    }

    private Manifest Namespace() => new(
        "Pods that ask for more than the strictest Pod Security Standard allows are refused.",
        new
        {
            ApiVersion = "v1",
            Kind = "Namespace",
            Metadata = new
            {
                Name = options.Namespace,
                Labels = new Dictionary<string, string>
                {
                    ["app.kubernetes.io/part-of"] = Pods.PartOf,
                    ["pod-security.kubernetes.io/enforce"] = "restricted",
                    ["pod-security.kubernetes.io/enforce-version"] = "latest",
                    ["pod-security.kubernetes.io/warn"] = "restricted",
                    ["pod-security.kubernetes.io/warn-version"] = "latest",
                },
            },
        });
}
