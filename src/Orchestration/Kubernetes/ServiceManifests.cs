using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>The replicas: a pod each, on a core's worth of CPU.</summary>
internal sealed class ServiceManifests(ClusterPlan plan, KubernetesOptions options, string? memory)
{
    // The time in which /health answers 503: each load balancer asks every second and waits two seconds for an answer.
    private const int DrainDelay = 5;

    // The time until all load balancers know that the pod leaves: an event of the API takes milliseconds.
    private const int PreStop = 5;

    // An answer of the cluster's DNS may be 30 s old (Kubernetes' add-on for CoreDNS, NodeLocal DNSCache). It is asked every second.
    private const int DnsPreStop = 35;

    /// <summary>The environment variables that are not the user's to set.</summary>
    public static IReadOnlySet<string> Own { get; } = new HashSet<string>
    {
        Variables.ReplicaName, Variables.ReplicaCore, Variables.ResourceAttributes, Variables.HttpPorts, Variables.ProcessorCount, Variables.ThreadPoolSpinLimit, Variables.DrainDelay, Variables.DrainTimeout,
    };

    // A pod does not know cores of a machine.
    private static readonly string[] OfOneMachine = [Variables.ReplicaCore, Variables.ProcessorCount, Variables.ThreadPoolSpinLimit];

    private readonly Dictionary<string, string> _labels = Pods.Labels(plan.Name, "replica");

    /// <summary>Everything the service is made of.</summary>
    public IReadOnlyList<Manifest> All => [Deployment(), Service(), Autoscaler(), Pods.Budget(plan.Name, _labels)];

    private Manifest Deployment()
    {
        var timeout = TimeSpan.FromSeconds(Math.Max(plan.DrainTimeout.TotalSeconds, Pods.LeastDrainTimeout.TotalSeconds));
        return new(
            $"""
            One replica is one core's worth of work: .NET counts one processor, so the compute lane has one thread.
            No CPU limit: its quota would throttle light requests together with the heavy ones. The request is small so that
            a small node takes it; overlays/production asks for the whole core, overlays/exclusive-cores gets it alone.
            No replicas: their number is the autoscaler's, and kubectl apply leaves it alone.
            {options.Discovery switch
            {
                KubernetesDiscovery.Kubernetes => "Leaving: 5 s as before, while load balancers hear of it from the API; then SIGTERM",
                _ => "Leaving: 35 s as before, for a cluster's DNS may answer what it has cached for 30 s; then SIGTERM",
            }};
            /health answers 503 for 5 s more, then requests in flight finish.
            """,
            new DeploymentManifest(
                plan.Name,
                _labels,
                options.ServiceImage,
                options.ServicePort,
                Pods.Environment(
                    plan.Replicas[0].Environment.Where(variable => !OfOneMachine.Contains(variable.Key)).ToDictionary(),
                    [
                        .. options.Environment.Select(variable => KeyValuePair.Create<string, object>(variable.Key, variable.Value)),
                        .. options.Secrets.Select(secret => KeyValuePair.Create(secret.Key, Secret(secret.Value))),
                        new(Variables.HttpPorts, $"{options.ServicePort}"),
                        new(Variables.ProcessorCount, "1"),
                        new(Variables.ThreadPoolSpinLimit, Variables.NoThreadPoolSpin),
                        new(Variables.DrainDelay, $"{DrainDelay}"),
                        new(Variables.DrainTimeout, Pods.Seconds(timeout)),
                    ]))
            {
                Cpu = "100m",
                Memory = Quantity.RequestAndLimit(memory, request: "128Mi", limit: "256Mi"),
                PreStop = options.Discovery is KubernetesDiscovery.Kubernetes ? PreStop : DnsPreStop,
                Drain = TimeSpan.FromSeconds(DrainDelay) + timeout,
                Liveness = plan.Liveness,
            }.Content);
    }

    private static object Secret(string reference)
    {
        var slash = reference.IndexOf('/', StringComparison.Ordinal);
        return new { SecretKeyRef = new { Name = reference[..slash], Key = reference[(slash + 1)..] } };
    }

    private Manifest Service() => new(
        "Headless: its name resolves to the pods that are ready, and the load balancers choose among them by themselves.",
        new
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = Pods.Metadata(plan.Name, _labels),
            Spec = new
            {
                ClusterIP = "None",
                Selector = Pods.Selector(plan.Name),
                Ports = new[] { new { Name = "http", Port = options.ServicePort, TargetPort = "http", AppProtocol = "http" } },
            },
        });

    private Manifest Autoscaler() => new(
        """
        From the plan's replicas to twice as many (4 at least). The target is in cores, so that it means the same whatever a
        pod requests. Compute work runs at idle priority but counts as CPU: pods that compute all the time ask for more.
        Up at once, down one pod a minute after 5 minutes of less.
        """,
        new
        {
            ApiVersion = "autoscaling/v2",
            Kind = "HorizontalPodAutoscaler",
            Metadata = Pods.Metadata(plan.Name, _labels),
            Spec = new
            {
                ScaleTargetRef = new { ApiVersion = "apps/v1", Kind = "Deployment", plan.Name },
                MinReplicas = plan.Replicas.Count,
                MaxReplicas = Math.Max(4, 2 * plan.Replicas.Count),
                Metrics = new[]
                {
                    new { Type = "Resource", Resource = new { Name = "cpu", Target = new { Type = "AverageValue", AverageValue = "500m" } } },
                },
                Behavior = new
                {
                    ScaleUp = new
                    {
                        StabilizationWindowSeconds = 0,
                        Policies = new[] { new { Type = "Percent", Value = 100, PeriodSeconds = 15 } },
                    },
                    ScaleDown = new
                    {
                        StabilizationWindowSeconds = 300,
                        Policies = new[] { new { Type = "Pods", Value = 1, PeriodSeconds = 60 } },
                    },
                },
            },
        });
}
