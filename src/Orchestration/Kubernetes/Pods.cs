using System.Globalization;
using ClusterAspire.Contract;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>What the pods of the service and of the load balancer have in common.</summary>
internal static class Pods
{
    /// <summary>The value of the label <c>app.kubernetes.io/part-of</c>.</summary>
    public const string PartOf = "clusteraspire";

    /// <summary>The TCP port both listen at in their pods.</summary>
    public const int Port = 8080;

    /// <summary>
    /// How long a pod told to leave goes on before it gets SIGTERM, in seconds: as long as a cluster's DNS (CoreDNS: 5 s)
    /// and its kube-proxies may still send to it.
    /// </summary>
    public const int PreStop = 5;

    // The user that Microsoft's .NET images have for this, $APP_UID.
    private const int User = 1654;

    /// <summary>How long requests in flight may take to finish: on a laptop Ctrl+C should not take long, in a cluster nobody waits.</summary>
    public static readonly TimeSpan LeastDrainTimeout = TimeSpan.FromSeconds(60);

    /// <summary>The recommended labels.</summary>
    public static Dictionary<string, string> Labels(string name, string component) => new(Selector(name))
    {
        ["app.kubernetes.io/component"] = component,
        ["app.kubernetes.io/part-of"] = PartOf,
    };

    /// <summary>The labels that pods are selected by; unlike others they can never change.</summary>
    public static Dictionary<string, string> Selector(string name) => new() { ["app.kubernetes.io/name"] = name };

    /// <summary>The name and labels of an object.</summary>
    public static object Metadata(string name, Dictionary<string, string> labels) => new { Name = name, Labels = labels };

    /// <summary>A Deployment that is never short of a pod while it rolls.</summary>
    /// <param name="name">Its name and its container's.</param>
    /// <param name="labels">Its labels and its pods'.</param>
    /// <param name="replicas">How many pods, or null when an autoscaler says.</param>
    /// <param name="image">The container's image; its tag comes from the kustomization.</param>
    /// <param name="environment">The container's environment: strings, or objects that are a value's source.</param>
    /// <param name="cpu">The CPU requested, such as <c>100m</c>.</param>
    /// <param name="memory">The memory requested and the most there is, such as <c>128Mi</c>.</param>
    /// <param name="drain">How long the container may take from SIGTERM to its end.</param>
    public static object Deployment(
        string name,
        Dictionary<string, string> labels,
        int? replicas,
        string image,
        IEnumerable<KeyValuePair<string, object>> environment,
        string cpu,
        (string Request, string Limit) memory,
        TimeSpan drain) => new
        {
            ApiVersion = "apps/v1",
            Kind = "Deployment",
            Metadata = Metadata(name, labels),
            Spec = new
            {
                Replicas = replicas,
                RevisionHistoryLimit = 5,
                MinReadySeconds = PreStop,
                Selector = new { MatchLabels = Selector(name) },
                Strategy = new { Type = "RollingUpdate", RollingUpdate = new { MaxSurge = 1, MaxUnavailable = 0 } },
                Template = new
                {
                    Metadata = new { Labels = labels },
                    Spec = new
                    {
                        AutomountServiceAccountToken = false,
                        EnableServiceLinks = false,
                        TerminationGracePeriodSeconds = (int)Math.Ceiling(PreStop + drain.TotalSeconds) + 5,
                        SecurityContext = new
                        {
                            RunAsNonRoot = true,
                            RunAsUser = User,
                            RunAsGroup = User,
                            FsGroup = User,
                            SeccompProfile = new { Type = "RuntimeDefault" },
                        },
                        TopologySpreadConstraints = new[]
                        {
                            new
                            {
                                MaxSkew = 1,
                                TopologyKey = "kubernetes.io/hostname",
                                WhenUnsatisfiable = "ScheduleAnyway",
                                LabelSelector = new { MatchLabels = Selector(name) },
                                MatchLabelKeys = new[] { "pod-template-hash" },
                            },
                        },
                        Containers = new[]
                        {
                            new
                            {
                                Name = name,
                                Image = image[..image.LastIndexOf(':')],
                                ImagePullPolicy = "IfNotPresent",
                                Env = environment.Select(variable => Variable(variable.Key, variable.Value)),
                                Ports = new[] { new { Name = "http", ContainerPort = Port } },
                                Resources = new
                                {
                                    Requests = new { Cpu = cpu, Memory = memory.Request },
                                    Limits = new { Memory = memory.Limit },
                                },
                                StartupProbe = Probe("/alive", period: 1, failures: 60),
                                ReadinessProbe = Probe("/health", period: 2, failures: 3),
                                LivenessProbe = Probe("/alive", period: 10, failures: 3),
                                Lifecycle = new { PreStop = new { Sleep = new { Seconds = PreStop } } },
                                SecurityContext = new
                                {
                                    AllowPrivilegeEscalation = false,
                                    ReadOnlyRootFilesystem = true,
                                    Capabilities = new { Drop = new[] { "ALL" } },
                                },
                                VolumeMounts = new[] { new { Name = "tmp", MountPath = "/tmp" } },
                            },
                        },
                        Volumes = new[] { new { Name = "tmp", EmptyDir = new { SizeLimit = "64Mi" } } },
                    },
                },
            },
        };

    /// <summary>The environment every pod has: what the plan says, but the name, which is the pod's own.</summary>
    public static IEnumerable<KeyValuePair<string, object>> Environment(IReadOnlyDictionary<string, string> planned, params IEnumerable<KeyValuePair<string, object>> own)
    {
        Dictionary<string, object> environment = new()
        {
            [Variables.ReplicaName] = Field("metadata.name"),
            ["K8S_NAMESPACE"] = Field("metadata.namespace"),
            ["K8S_NODE"] = Field("spec.nodeName"),
        };
        foreach (var (name, value) in planned.Where(variable => variable.Key is not Variables.ReplicaName))
        {
            environment[name] = value;
        }

        environment[Variables.ResourceAttributes] =
            "service.instance.id=$(Replica__Name),k8s.pod.name=$(Replica__Name),k8s.namespace.name=$(K8S_NAMESPACE),k8s.node.name=$(K8S_NODE)";
        foreach (var (name, value) in own)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>A budget for what evicts pods, such as the drain of a node: one at a time.</summary>
    public static Manifest Budget(string name, Dictionary<string, string> labels) => new(
        "A node that is drained takes one pod at a time; a pod that is ill anyway is no reason to wait.",
        new
        {
            ApiVersion = "policy/v1",
            Kind = "PodDisruptionBudget",
            Metadata = Metadata(name, labels),
            Spec = new
            {
                MaxUnavailable = 1,
                UnhealthyPodEvictionPolicy = "AlwaysAllow",
                Selector = new { MatchLabels = Selector(name) },
            },
        });

    /// <summary>A number of seconds, as the configuration reads it.</summary>
    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    private static object Variable(string name, object value) =>
        value is string ? new { Name = name, Value = value } : new { Name = name, ValueFrom = value };

    private static object Field(string path) => new { FieldRef = new { FieldPath = path } };

    private static object Probe(string path, int period, int failures) => new
    {
        HttpGet = new { Path = path, Port = "http" },
        PeriodSeconds = period,
        TimeoutSeconds = 3,
        FailureThreshold = failures,
    };
}
