using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>A Deployment that is never short of a pod while it rolls, its pods within the standard <c>restricted</c>.</summary>
/// <param name="Name">Its name and its container's.</param>
/// <param name="Labels">Its labels and its pods'.</param>
/// <param name="Image">The container's image; its tag comes from the kustomization.</param>
/// <param name="Port">The TCP port the container listens at.</param>
/// <param name="Environment">The container's environment: strings, or objects that are a value's source.</param>
internal sealed record DeploymentManifest(
    string Name,
    Dictionary<string, string> Labels,
    string Image,
    int Port,
    IEnumerable<KeyValuePair<string, object>> Environment)
{
    // The user that Microsoft's .NET images have for this, $APP_UID.
    private const int User = 1654;

    // A new pod counts as available only after this time, when every kube-proxy knows it.
    private const int MinReady = 5;

    /// <summary>How many pods, or null when an autoscaler says.</summary>
    public int? Replicas { get; init; }

    /// <summary>The CPU requested, such as <c>100m</c>.</summary>
    public required string Cpu { get; init; }

    /// <summary>The memory requested and the most there is, such as <c>128Mi</c>.</summary>
    public required (string Request, string Limit) Memory { get; init; }

    /// <summary>How long a pod told to end goes on before it gets SIGTERM, in seconds: as long as anybody may still send to it.</summary>
    public required int PreStop { get; init; }

    /// <summary>How long the container may take from SIGTERM to its end.</summary>
    public required TimeSpan Drain { get; init; }

    /// <summary>When a container counts as hung, and is restarted.</summary>
    public required LivenessLimits Liveness { get; init; }

    /// <summary>The pods' annotations.</summary>
    public Dictionary<string, string>? Annotations { get; init; }

    /// <summary>The service account whose token the pods get, or null for none.</summary>
    public string? ServiceAccount { get; init; }

    /// <summary>The object.</summary>
    public object Content => new
    {
        ApiVersion = "apps/v1",
        Kind = "Deployment",
        Metadata = Pods.Metadata(Name, Labels),
        Spec = new
        {
            Replicas,
            RevisionHistoryLimit = 5,
            MinReadySeconds = MinReady,
            Selector = new { MatchLabels = Pods.Selector(Name) },
            Strategy = new { Type = "RollingUpdate", RollingUpdate = new { MaxSurge = 1, MaxUnavailable = 0 } },
            Template = new { Metadata = new { Labels, Annotations }, Spec },
        },
    };

    private object Spec => new
    {
        ServiceAccountName = ServiceAccount,
        AutomountServiceAccountToken = false,
        EnableServiceLinks = false,
        TerminationGracePeriodSeconds = (int)Math.Ceiling(PreStop + Drain.TotalSeconds) + 5,
        SecurityContext = new
        {
            RunAsNonRoot = true,
            RunAsUser = User,
            RunAsGroup = User,
            FsGroup = User,
            SeccompProfile = new { Type = "RuntimeDefault" },
        },
        Affinity = new
        {
            PodAntiAffinity = new
            {
                PreferredDuringSchedulingIgnoredDuringExecution = new[]
                {
                    new { Weight = 100, PodAffinityTerm = new { TopologyKey = Hostname, LabelSelector = new { MatchLabels = Pods.Selector(Name) } } },
                },
            },
        },
        TopologySpreadConstraints = new[]
        {
            new
            {
                MaxSkew = 1,
                TopologyKey = Hostname,
                WhenUnsatisfiable = "ScheduleAnyway",
                LabelSelector = new { MatchLabels = Pods.Selector(Name) },
                MatchLabelKeys = new[] { "pod-template-hash" },
            },
        },
        Containers = new[] { Container },
        Volumes = (object[])
        [
            new { Name = "tmp", EmptyDir = new { SizeLimit = "64Mi" } },
            .. ServiceAccount is null ? (object[])[] : [Account],
        ],
    };

    private const string Hostname = "kubernetes.io/hostname";

    private object Container => new
    {
        Name,
        Image = Image[..Image.LastIndexOf(':')],
        ImagePullPolicy = "IfNotPresent",
        Env = Environment.Select(variable => (object)(variable.Value is string value
            ? new { Name = variable.Key, Value = value }
            : new { Name = variable.Key, ValueFrom = variable.Value })),
        Ports = new[] { new { Name = "http", ContainerPort = Port } },
        Resources = new
        {
            Requests = new Dictionary<string, string>(Resources(Memory.Request, "64Mi").Prepend(new("cpu", Cpu))),
            // For /tmp, and for the log that the node keeps.
            Limits = Resources(Memory.Limit, "256Mi"),
        },
        StartupProbe = Probe("/alive", period: 1, failures: (int)Math.Ceiling(Liveness.Start.TotalSeconds)),
        ReadinessProbe = Probe("/health", period: 2, failures: 3),
        LivenessProbe = Liveness.Silence == TimeSpan.MaxValue ? null : Probe("/alive", period: (int)Math.Ceiling(Liveness.Silence.TotalSeconds / 3), failures: 3),
        Lifecycle = new { PreStop = new { Sleep = new { Seconds = PreStop } } },
        SecurityContext = new
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            Capabilities = new { Drop = new[] { "ALL" } },
        },
        VolumeMounts = (object[])
        [
            new { Name = "tmp", MountPath = "/tmp" },
            .. ServiceAccount is null ? (object[])[] : [new { Name = "account", MountPath = "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly = true }],
        ],
    };

    // The kubelet would mount this in every pod of the account; here only this pod gets it.
    private static object Account => new
    {
        Name = "account",
        Projected = new
        {
            Sources = new object[]
            {
                new { ServiceAccountToken = new { Path = "token", ExpirationSeconds = 3600 } },
                new { ConfigMap = new { Name = "kube-root-ca.crt", Items = new[] { new { Key = "ca.crt", Path = "ca.crt" } } } },
                new { DownwardAPI = new { Items = new[] { new { Path = "namespace", FieldRef = new { FieldPath = "metadata.namespace" } } } } },
            },
        },
    };

    private static Dictionary<string, string> Resources(string memory, string storage) => new() { ["memory"] = memory, ["ephemeral-storage"] = storage };

    private static object Probe(string path, int period, int failures) => new
    {
        HttpGet = new { Path = path, Port = "http" },
        PeriodSeconds = period,
        TimeoutSeconds = 3,
        FailureThreshold = failures,
    };
}
