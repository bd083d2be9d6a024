using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>Writes a plan as a Kustomize base or a Helm chart: what the embedded orchestrator runs on one machine, for a cluster of them.</summary>
/// <remarks>
/// A replica becomes a pod, the supervisor the Deployment's controller and the kubelet, the plan's addresses a headless
/// Service that the load balancers look up, and the replica count the autoscaler's lower bound.
/// </remarks>
public sealed class KubernetesPublisher
{
    // The component "dashboard" adds an OpenTelemetry collector as another Deployment.
    private static readonly string[] Taken = [LoadBalancerPlan.Name, "dashboard", .. NetworkManifests.Names];

    private static readonly string[] Configurations = ["names.yaml"];

    private readonly ClusterPlan _plan;
    private readonly KubernetesOptions _options;
    private readonly string? _memory;

    /// <param name="cluster">What the user chose for every target.</param>
    /// <param name="options">What that leaves open.</param>
    /// <exception cref="ClusterException">An option is not valid, or cannot be used on Kubernetes.</exception>
    public KubernetesPublisher(ClusterOptions cluster, KubernetesOptions options)
    {
        _plan = ClusterPlan.Create(cluster, KubernetesOptions.Machine);
        (_options, _memory) = (options, cluster.Memory);

        Refuse(Taken.Contains(cluster.Name), nameof(cluster.Name), $"must be another than '{cluster.Name}', which the manifests use themselves");
        Refuse(
            cluster.AdminPort is Pods.Port or < KubernetesOptions.LeastPort,
            nameof(cluster.AdminPort),
            $"must be from {KubernetesOptions.LeastPort} to 65535 and another than {Pods.Port}, which load balancers listen at in their pods, not '{cluster.AdminPort}'");
        Refuse(cluster.Service is not null, nameof(cluster.Service), "means nothing on Kubernetes, where pods run an image: leave it out and name the image by --service-image");
        foreach (var name in cluster.RunnerOnly())
        {
            Refuse(true, name, "is the runner's, and pods are Kubernetes' to replace: leave it out");
        }

        Refuse(cluster.Args.Count > 0, nameof(cluster.Args), "are the image's own on Kubernetes: leave them out");
        Refuse(cluster.Image is not null, nameof(cluster.Image), "is an image of this machine: leave it out and name the pods' by --service-image");
        Refuse(cluster.Standby, nameof(cluster.Standby), "means nothing on Kubernetes, where other replicas answer until a new pod is ready: leave it out");
        Refuse(!cluster.Pin, nameof(cluster.Pin), "means nothing on Kubernetes, where replicas are not pinned but by components/exclusive-cores: leave it out");
        Refuse(cluster.Clean, nameof(cluster.Clean), "removes containers of this machine and publishes nothing: leave it out");
        Refuse(cluster.Telemetry is TelemetryKind.Table, nameof(cluster.Telemetry), "can be console on Kubernetes: a pod has no terminal for a table");
        Refuse(cluster.ReplicaPort is not 0, nameof(cluster.ReplicaPort), "is a port of this machine: leave it out and choose the pods' by --service-port");
        Refuse(cluster.Runtime is RuntimeKind.Process, nameof(cluster.Runtime), "can be container on Kubernetes, not process");
        Refuse(cluster.Engine is not EngineKind.Auto, nameof(cluster.Engine), "is the cluster's own on Kubernetes: leave it out");
        if (options.Environment.Keys.Concat(options.Secrets.Keys).FirstOrDefault(ServiceManifests.Own.Contains) is { } own)
        {
            throw new ClusterException($"{KubernetesOptions.Section}:{nameof(options.Environment)} must not have {own}, which the manifests set themselves.");
        }
    }

    /// <summary>The command that applies what is published.</summary>
    /// <param name="directory">Where it was published to.</param>
    public string ApplyCommand(string directory) => _options.Format is KubernetesFormat.Helm
        ? $"helm upgrade --install {_plan.Name} {directory} --namespace {_options.Namespace} --create-namespace"
        : $"kubectl apply -k {directory}";

    /// <summary>Writes the files; files of other names in the directory are left alone.</summary>
    /// <param name="directory">Where to; made when it is not there.</param>
    /// <returns>The files written, by their paths.</returns>
    /// <exception cref="ClusterException">The directory cannot be written to.</exception>
    public IReadOnlyList<string> Publish(string directory)
    {
        try
        {
            return [.. Files().Select(file =>
            {
                var path = Path.Combine(directory, file.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, file.Text);
                return path;
            })];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{directory} cannot be written to ({e.Message.TrimEnd('.')}): choose another by --output.");
        }
    }

    private IEnumerable<(string Name, string Text)> Files()
    {
        ManifestFile[] files =
        [
            new("service.yaml", new ServiceManifests(_plan, _options, _memory).All),
            new("loadbalancer.yaml", new LoadBalancerManifests(_plan, _options).All),
            new("network.yaml", new NetworkManifests(_plan, _options).All),
        ];
        if (_options.Format is KubernetesFormat.Helm)
        {
            return new HelmChart(_plan, _options, files).Files;
        }

        // A chart is installed into a namespace and does not have it.
        files = [new("namespace.yaml", Namespace()), .. files];
        return ((ManifestFile[])[new("kustomization.yaml", Kustomization(files)), new("names.yaml", Names), .. files]).Select(file => (file.Name, $"{file}"));
    }

    private Manifest Kustomization(IEnumerable<ManifestFile> files) => new(
        "An overlay may change the namespace and the images; everything refers to these.",
        new
        {
            ApiVersion = "kustomize.config.k8s.io/v1beta1",
            Kind = "Kustomization",
            _options.Namespace,
            Resources = files.Select(file => file.Name),
            Configurations = Configurations,
            Images = new[] { Image(_options.ServiceImage), Image(_options.LoadBalancerImage) },
        });

    private static Manifest Names => new(
        "A name that kustomize does not know as one: with namePrefix or nameSuffix it follows the Service's.",
        new
        {
            NameReference = new[]
            {
                new
                {
                    Kind = "Service",
                    Version = "v1",
                    FieldSpecs = new[] { new { Path = $"spec/template/metadata/annotations/{LoadBalancerManifests.ServiceAnnotation}", Kind = "Deployment" } },
                },
            },
        });

    private static void Refuse(bool refused, string option, string why)
    {
        if (refused)
        {
            throw new ClusterException($"{ClusterOptions.Switch(option)} {why}.");
        }
    }

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
                Name = _options.Namespace,
                Labels = new Dictionary<string, string>
                {
                    ["app.kubernetes.io/part-of"] = Pods.PartOf,
                    ["pod-security.kubernetes.io/enforce"] = "restricted",
                    ["pod-security.kubernetes.io/enforce-version"] = "latest",
                    ["pod-security.kubernetes.io/audit"] = "restricted",
                    ["pod-security.kubernetes.io/audit-version"] = "latest",
                    ["pod-security.kubernetes.io/warn"] = "restricted",
                    ["pod-security.kubernetes.io/warn-version"] = "latest",
                },
            },
        });
}
