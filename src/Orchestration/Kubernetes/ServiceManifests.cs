using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>The replicas: a pod each, on a core's worth of CPU.</summary>
internal sealed class ServiceManifests(ClusterPlan plan, KubernetesOptions options)
{
    // While /health says 503: each load balancer asks every second, and gives up on an answer after two.
    private const int DrainDelay = 5;

    // What means nothing in a pod: which core of which machine.
    private static readonly string[] OfOneMachine = [Variables.ReplicaCore, Variables.ProcessorCount];

    private readonly Dictionary<string, string> _labels = Pods.Labels(plan.Name, "replica");

    /// <summary>Everything the service is made of.</summary>
    public IReadOnlyList<Manifest> All => [Deployment(), Service(), Autoscaler(), Pods.Budget(plan.Name, _labels)];

    private Manifest Deployment()
    {
        var timeout = TimeSpan.FromSeconds(Math.Max(plan.DrainTimeout.TotalSeconds, Pods.LeastDrainTimeout.TotalSeconds));
        return new(
            """
            One replica is one core's worth of work: .NET counts one processor, so the compute lane has one thread.
            No CPU limit: its quota would throttle light requests together with the heavy ones. The request is small so that
            a small node takes it; overlays/production asks for the whole core, overlays/exclusive-cores gets it alone.
            No replicas: their number is the autoscaler's, and kubectl apply leaves it alone.
            Leaving: 5 s as before, then SIGTERM; /health answers 503 for 5 s more, then requests in flight finish.
            """,
            Pods.Deployment(
                plan.Name,
                _labels,
                replicas: null,
                options.ServiceImage,
                Pods.Environment(
                    plan.Replicas[0].Environment.Where(variable => !OfOneMachine.Contains(variable.Key)).ToDictionary(),
                    [
                        new(Variables.HttpPorts, $"{Pods.Port}"),
                        new(Variables.ProcessorCount, "1"),
                        new(Variables.DrainDelay, $"{DrainDelay}"),
                        new(Variables.DrainTimeout, Pods.Seconds(timeout)),
                    ]),
                cpu: "100m",
                memory: ("128Mi", "256Mi"),
                drain: TimeSpan.FromSeconds(DrainDelay) + timeout));
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
                PublishNotReadyAddresses = false,
                Selector = Pods.Selector(plan.Name),
                Ports = new[] { new { Name = "http", Port = Pods.Port, TargetPort = "http", AppProtocol = "http" } },
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
