using System.Globalization;
using k8s.Models;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Evaluates the policies for everybody to everybody, by the rules of the NetworkPolicy API.</summary>
public sealed class NetworkPolicyTests
{
    private const string Namespace = "clusteraspire";

    private static readonly (string Protocol, int Port)[] Ports =
        [("TCP", 80), ("TCP", 443), ("TCP", 6443), ("TCP", 8080), ("TCP", 8081), ("TCP", 53), ("UDP", 53), ("TCP", 4317), ("TCP", 4318), ("UDP", 4317), ("TCP", 18888)];

    private static readonly Endpoint Dns = new("dns", "kube-system", new Dictionary<string, string> { ["k8s-app"] = "kube-dns" }, "10.1.0.2");
    private static readonly Endpoint NodeDns = new("node-dns", null, new Dictionary<string, string>(), "169.254.20.10");
    private static readonly Endpoint Stranger = new("stranger", Namespace, new Dictionary<string, string> { ["run"] = "curl" }, "10.1.0.9");

    // Labelled like a load balancer, elsewhere.
    private static readonly Endpoint Impostor = new(
        "impostor",
        "default",
        new Dictionary<string, string> { ["app.kubernetes.io/name"] = "loadbalancer", ["app.kubernetes.io/component"] = "load-balancer" },
        "10.1.0.10");

    private static readonly Endpoint World = new("world", null, new Dictionary<string, string>(), "203.0.113.7");

    [Theory]
    [InlineData("k8s")]
    [InlineData("k8s/overlays/exclusive-cores")]
    public void Exactly_the_wanted_paths_are_open(string kustomization)
    {
        string[] pods = ["loadbalancer", "service", "stranger"];
        Assert.Equal(
            Sorted(
            [
                // Requests come in from everywhere, by NodePort and Ingress as well; but pods of this namespace do not send any.
                "impostor -> loadbalancer TCP 8080",
                "dns -> loadbalancer TCP 8080",
                "node-dns -> loadbalancer TCP 8080",
                "world -> loadbalancer TCP 8080",
                "loadbalancer -> service TCP 8080",
                // The API, wherever it is.
                .. from to in (string[])["dns", "node-dns", "impostor", "world"]
                   from port in (string[])["TCP 443", "TCP 6443"]
                   select $"loadbalancer -> {to} {port}",
                // Names are resolved and telemetry is sent.
                .. from pod in pods
                   from to in (string[])["dns", "node-dns", "impostor", "world"]
                   from port in (string[])["TCP 53", "UDP 53", "TCP 4317", "TCP 4318"]
                   select $"{pod} -> {to} {port}",
            ]),
            Sorted(Open(Rendering.Of(kustomization))));
    }

    [Fact]
    public void With_the_dashboard_its_collector_is_open_to_the_two_that_send_and_its_page_to_nobody()
    {
        var more = Open(Rendering.Of("k8s/overlays/dashboard")).Except(Open(Rendering.Of("k8s"))).Where(path => !path.StartsWith("dashboard ->", StringComparison.Ordinal));

        Assert.Equal(["loadbalancer -> dashboard TCP 4317", "service -> dashboard TCP 4317"], more.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void In_production_only_the_clusters_dns_is_asked()
    {
        var paths = Open(Rendering.Of("k8s/overlays/production")).Where(path => path.EndsWith(" 53", StringComparison.Ordinal));

        Assert.All(paths, path => Assert.Matches("-> (node-)?dns ", path));
        Assert.Contains("loadbalancer -> dns UDP 53", paths);
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> paths) => paths.Order(StringComparer.Ordinal);

    private static IReadOnlyList<string> Open(Rendering rendering)
    {
        var policies = rendering.All<V1NetworkPolicy>().ToList();
        var endpoints = rendering.Deployments
            .Select((deployment, i) => new Endpoint(deployment.Name(), Namespace, deployment.PodLabels(), string.Create(CultureInfo.InvariantCulture, $"10.1.1.{i}")))
            .Concat([Dns, NodeDns, Stranger, Impostor, World])
            .ToList();
        return
        [
            .. from sender in endpoints
               from receiver in endpoints
               // What is not in the namespace is not ours to judge.
               where sender != receiver && Namespace is var ours && (sender.Namespace == ours || receiver.Namespace == ours)
               from port in Ports
               where Leaves(policies, sender, receiver, port) && Enters(policies, sender, receiver, port)
               select $"{sender.Name} -> {receiver.Name} {port.Protocol} {port.Port}",
        ];
    }

    private static bool Leaves(IEnumerable<V1NetworkPolicy> policies, Endpoint sender, Endpoint receiver, (string, int) port) =>
        For(policies, sender, "Egress") is not { Count: > 0 } mine
        || mine.SelectMany(policy => policy.Spec.Egress ?? []).Any(rule => Among(rule.To, receiver) && Among(rule.Ports, port));

    private static bool Enters(IEnumerable<V1NetworkPolicy> policies, Endpoint sender, Endpoint receiver, (string, int) port) =>
        For(policies, receiver, "Ingress") is not { Count: > 0 } mine
        || mine.SelectMany(policy => policy.Spec.Ingress ?? []).Any(rule => Among(rule.FromProperty, sender) && Among(rule.Ports, port));

    private static List<V1NetworkPolicy> For(IEnumerable<V1NetworkPolicy> policies, Endpoint endpoint, string direction) =>
        endpoint.Namespace is not Namespace
            ? []
            : [.. policies.Where(policy => policy.Spec.PolicyTypes.Contains(direction) && policy.Spec.PodSelector.Selects(endpoint.Labels))];

    private static bool Among(IList<V1NetworkPolicyPeer>? peers, Endpoint endpoint) =>
        peers is null or [] || peers.Any(peer => endpoint.Is(peer, Namespace));

    private static bool Among(IList<V1NetworkPolicyPort>? ports, (string Protocol, int Port) wanted) =>
        ports is null or [] || ports.Any(port => port.Protocol == wanted.Protocol && port.Port.Value == wanted.Port.ToString(CultureInfo.InvariantCulture));
}
