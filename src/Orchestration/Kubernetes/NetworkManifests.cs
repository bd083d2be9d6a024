using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>Who may talk to whom: nobody to anybody, but for what is listed here.</summary>
internal sealed class NetworkManifests(ClusterPlan plan, KubernetesOptions options)
{
    private const string DenyPolicy = "default-deny";
    private const string DnsPolicy = "dns";
    private const string OtlpPolicy = "otlp";
    private const string ApiPolicy = "kubernetes-api";

    /// <summary>The policies' names that no service can have.</summary>
    public static IReadOnlyList<string> Names { get; } = [DenyPolicy, DnsPolicy, OtlpPolicy, ApiPolicy];

    // Empty, a selector selects everything.
    private static readonly object Everything = new { };

    /// <summary>All policies.</summary>
    public IReadOnlyList<Manifest> All =>
    [
        new("Nothing in, nothing out, for every pod of the namespace.", Policy(DenyPolicy, Everything, ingress: [], egress: [])),
        new(
            """
            Names are resolved. By port alone: where a cluster's DNS runs differs (CoreDNS, a cache on each node, a cloud's);
            overlays/production narrows it down.
            """,
            Policy(DnsPolicy, Everything, egress: [new { Ports = new[] { Port("UDP", 53), Port("TCP", 53) } }])),
        new(
            "Telemetry leaves by OTLP (gRPC and HTTP) to a collector, wherever it is.",
            Policy(OtlpPolicy, Everything, egress: [new { Ports = new[] { Port("TCP", 4317), Port("TCP", 4318) } }])),
        new(
            "The load balancer takes requests from everywhere, at its public port, and talks to the replicas.",
            Policy(
                LoadBalancerPlan.Name,
                PodsOf(LoadBalancerPlan.Name),
                ingress: [new { Ports = HttpPort }],
                egress: [new { To = new[] { new { PodSelector = PodsOf(plan.Name) } }, Ports = new[] { Port("TCP", options.ServicePort) } }])),
        new(
            "Only the load balancer talks to the replicas. (A node's kubelet, which probes its own pods, is always let through.)",
            Policy(
                plan.Name,
                PodsOf(plan.Name),
                ingress: [new { From = new[] { new { PodSelector = PodsOf(LoadBalancerPlan.Name) } }, Ports = new[] { Port("TCP", options.ServicePort) } }])),
        .. options.Discovery is KubernetesDiscovery.Kubernetes ? (Manifest[])[Api] : [],
    ];

    // Ports of the API server itself: some network plugins apply policies after they have translated the Service's address.
    private static readonly int[] ApiPorts = [443, 6443, 8443, 16443];

    private static Manifest Api => new(
        """
        The load balancer asks the API for the service's endpoints. By port alone: where the API server is differs, and so
        does whether its Service's address is translated before a policy is applied (kubeadm and kind: 6443, minikube: 8443,
        MicroK8s: 16443). Where you know its address, narrow it down.
        """,
        Policy(ApiPolicy, PodsOf(LoadBalancerPlan.Name), egress: [new { Ports = ApiPorts.Select(port => Port("TCP", port)) }]));

    private static object[] HttpPort => [Port("TCP", Pods.Port)];

    private static object PodsOf(string name) => new { MatchLabels = Pods.Selector(name) };

    private static object Port(string protocol, int port) => new { Protocol = protocol, Port = port };

    private static object Policy(string name, object pods, object[]? ingress = null, object[]? egress = null) => new
    {
        ApiVersion = "networking.k8s.io/v1",
        Kind = "NetworkPolicy",
        Metadata = Pods.Metadata(name, new() { ["app.kubernetes.io/part-of"] = Pods.PartOf }),
        Spec = new
        {
            PodSelector = pods,
            PolicyTypes = (string[])[.. ingress is null ? [] : (string[])["Ingress"], .. egress is null ? [] : (string[])["Egress"]],
            Ingress = ingress is [] ? null : ingress,
            Egress = egress is [] ? null : egress,
        },
    };
}
