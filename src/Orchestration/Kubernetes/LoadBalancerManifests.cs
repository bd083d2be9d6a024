using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>The load balancers: each finds the pods by itself and knows nothing of the others.</summary>
internal sealed class LoadBalancerManifests(ClusterPlan plan, KubernetesOptions options)
{
    /// <summary>The pods' annotation that names the service's Service: a reference that kustomize renames (namePrefix) with it.</summary>
    public const string ServiceAnnotation = "clusteraspire-service";

    private const string Name = LoadBalancerPlan.Name;
    private const string Rbac = "rbac.authorization.k8s.io/v1";

    // The only rights of the account.
    private static readonly string[] Groups = ["discovery.k8s.io"];
    private static readonly string[] Resources = ["endpointslices"];
    private static readonly string[] Verbs = ["get", "list", "watch"];

    // For so long, kube-proxies may still send requests to a pod that leaves.
    private const int PreStop = 5;

    // Kept-alive connections are told to close meanwhile.
    private const int DrainDelay = 5;

    // A request in flight may wait for a free core (LoadBalancer:ComputeQueueTimeout) before a replica even starts on it.
    private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, string> _labels = Pods.Labels(Name, "load-balancer");

    /// <summary>Everything the load balancer is made of.</summary>
    public IReadOnlyList<Manifest> All =>
    [
        Deployment(),
        Service(),
        Pods.Budget(Name, _labels),
        .. options.Discovery is KubernetesDiscovery.Kubernetes ? Account() : [],
    ];

    private Manifest Deployment()
    {
        var timeout = TimeSpan.FromSeconds(Math.Max(plan.DrainTimeout.TotalSeconds, Pods.LeastDrainTimeout.TotalSeconds)) + QueueTimeout;
        return new(
            """
            The admin port (live page, metrics, replica API) is bound to the pod's loopback and in no Service:
            kubectl port-forward reaches it, nothing else does.
            The container's first process listens and runs the load balancer as its child: when that is killed or crashes, clients
            that connect wait for the next one.
            Leaving: 5 s as before while kube-proxy forgets the pod, then SIGTERM; 5 s more in which connections are told to
            close, then requests in flight finish, those in the queue among them.
            """,
            new DeploymentManifest(
                Name,
                _labels,
                options.LoadBalancerImage,
                Pods.Port,
                Pods.Environment(
                    plan.LoadBalancer.Environment.Where(variable => !variable.Key.StartsWith(Variables.Destinations, StringComparison.Ordinal)).ToDictionary(),
                    [
                        // Every address of the pod, IPv4 and IPv6.
                        new(Variables.LoadBalancerUrl, $"http://[::]:{Pods.Port}"),
                        new(Variables.HoldSockets, "true"),
                        new(Variables.Discovery, options.Discovery.ToString().ToLowerInvariant()),
                        // The short name: the pod's search list adds the namespace and the cluster's domain.
                        new(Variables.KubernetesService, Pods.Field($"metadata.annotations['{ServiceAnnotation}']")),
                        new(Variables.DestinationAddress("pods"), $"http://$({Variables.KubernetesService}):{options.ServicePort}"),
                        new(Variables.DrainDelay, $"{DrainDelay}"),
                        new(Variables.DrainTimeout, Pods.Seconds(timeout)),
                    ]))
            {
                Replicas = options.LoadBalancers,
                Cpu = "200m",
                Memory = ("128Mi", "512Mi"),
                PreStop = PreStop,
                Drain = TimeSpan.FromSeconds(DrainDelay) + timeout,
                Liveness = plan.Liveness,
                Annotations = new() { [ServiceAnnotation] = plan.Name },
                ServiceAccount = options.Discovery is KubernetesDiscovery.Kubernetes ? Name : null,
            }.Content);
    }

    private Manifest[] Account() =>
    [
        new(
            "Who the load balancers are to the API, which they ask for the service's endpoints and for nothing else.",
            new
            {
                ApiVersion = "v1",
                Kind = "ServiceAccount",
                Metadata = Pods.Metadata(Name, _labels),
                AutomountServiceAccountToken = false,
            }),
        new(
            "",
            new
            {
                ApiVersion = Rbac,
                Kind = "Role",
                Metadata = Pods.Metadata(Name, _labels),
                Rules = new[] { new { ApiGroups = Groups, Resources, Verbs } },
            }),
        new(
            "",
            new
            {
                ApiVersion = Rbac,
                Kind = "RoleBinding",
                Metadata = Pods.Metadata(Name, _labels),
                RoleRef = new { ApiGroup = "rbac.authorization.k8s.io", Kind = "Role", Name },
                Subjects = new[] { new { Kind = "ServiceAccount", Name } },
            }),
    ];

    private Manifest Service() => new(
        "The public port. NodePort, so that a cluster without an Ingress controller or a cloud's load balancer can be reached.",
        new
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = Pods.Metadata(Name, _labels),
            Spec = new
            {
                Type = "NodePort",
                Selector = Pods.Selector(Name),
                Ports = new[] { new { Name = "http", plan.LoadBalancer.Port, TargetPort = "http", AppProtocol = "http" } },
            },
        });
}
