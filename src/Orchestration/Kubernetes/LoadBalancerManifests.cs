using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>The load balancers: each finds the pods by itself and knows nothing of the others.</summary>
internal sealed class LoadBalancerManifests(ClusterPlan plan, KubernetesOptions options)
{
    private const string Name = LoadBalancerPlan.Name;

    // Kept-alive connections are told to close meanwhile.
    private const int DrainDelay = 5;

    // A request in flight may wait for a free core (LoadBalancer:ComputeQueueTimeout) before a replica even starts on it.
    private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, string> _labels = Pods.Labels(Name, "load-balancer");

    /// <summary>Everything the load balancer is made of.</summary>
    public IReadOnlyList<Manifest> All => [Deployment(), Service(), Pods.Budget(Name, _labels)];

    private Manifest Deployment()
    {
        var timeout = TimeSpan.FromSeconds(Math.Max(plan.DrainTimeout.TotalSeconds, Pods.LeastDrainTimeout.TotalSeconds)) + QueueTimeout;
        return new(
            """
            The admin port (live page, metrics, replica API) is bound to the pod's loopback and in no Service:
            kubectl port-forward reaches it, nothing else does.
            Leaving: 5 s as before while kube-proxy forgets the pod, then SIGTERM; 5 s more in which connections are told to
            close, then requests in flight finish, those in the queue among them.
            """,
            Pods.Deployment(
                Name,
                _labels,
                options.LoadBalancers,
                options.LoadBalancerImage,
                Pods.Environment(
                    plan.LoadBalancer.Environment.Where(variable => !variable.Key.StartsWith(Variables.Destinations, StringComparison.Ordinal)).ToDictionary(),
                    [
                        new(Variables.LoadBalancerUrl, $"http://0.0.0.0:{Pods.Port}"),
                        new(Variables.Discovery, "dns"),
                        // The short name: the pod's search list adds the namespace and the cluster's domain.
                        new(Variables.DestinationAddress("pods"), $"http://{plan.Name}:{Pods.Port}"),
                        new(Variables.DrainDelay, $"{DrainDelay}"),
                        new(Variables.DrainTimeout, Pods.Seconds(timeout)),
                    ]),
                cpu: "200m",
                memory: ("128Mi", "512Mi"),
                drain: TimeSpan.FromSeconds(DrainDelay) + timeout));
    }

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
