using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The load balancer as DNS changes under it.</summary>
public sealed class DnsDiscoveryTests() : ClusterTests("dns")
{
    [Fact]
    public async Task Pods_that_come_get_requests_and_pods_that_go_get_no_more()
    {
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1", until: "/alive");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/health"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/fast"));

        var first = await Cluster.StartServiceAsync("service-a");
        Cluster.Dns.Publish(first);
        await Cluster.AnsweringAsync(loadBalancer, "service-a");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/health"));

        var second = await Cluster.StartServiceAsync("service-b");
        Cluster.Dns.Publish(first, second);
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        Cluster.Dns.Publish(second);
        await Cluster.AnsweringAsync(loadBalancer, "service-b");

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var response = await Cluster.Client.GetAsync(new Uri(loadBalancer.Url, path));
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task When_dns_fails_the_pods_known_last_go_on_serving()
    {
        var (first, second) = (await Cluster.StartServiceAsync("service-a"), await Cluster.StartServiceAsync("service-b"));
        Cluster.Dns.Publish(first, second);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        Cluster.Dns.Fails = true;
        await HasAskedAgainAsync();
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        // No pod ready, says DNS; the pods themselves say otherwise.
        Cluster.Dns.Fails = false;
        Cluster.Dns.Publish();
        await HasAskedAgainAsync();
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        // One that dies meanwhile is noticed without DNS.
        first.Kill();
        await first.ExitAsync();
        await Cluster.AnsweringAsync(loadBalancer, "service-b");

        var third = await Cluster.StartServiceAsync("service-c");
        Cluster.Dns.Publish(second, third);
        await Cluster.AnsweringAsync(loadBalancer, "service-b", "service-c");

        async Task HasAskedAgainAsync()
        {
            var before = Cluster.Dns.Queries;
            await Eventually.IsTrueAsync(() => Cluster.Dns.Queries > before + 10, "the load balancer looks again");
        }
    }

    [Fact]
    public async Task A_replica_goes_by_the_name_of_its_pod()
    {
        var pod = await Cluster.StartServiceAsync("service-7d4b9c-x2k8p");
        Cluster.Dns.Publish(pod);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(loadBalancer, "service-7d4b9c-x2k8p");

        var replicas = await Cluster.Client.GetFromJsonAsync<JsonArray>(new Uri(Cluster.Admin(loadBalancer), "/api/replicas"));

        var replica = Assert.Single(replicas!)!;
        Assert.Equal(("service-7d4b9c-x2k8p", 1), ((string?)replica["name"], (int?)replica["slots"]));
    }

    [Fact]
    public async Task A_load_balancer_listens_on_every_address_and_its_page_has_no_link_that_leads_nowhere()
    {
        Cluster.Dns.Publish(await Cluster.StartServiceAsync("service-a"));
        var port = FreePort.Next();
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1", everyAddress: port);

        string[] addresses = System.Net.Sockets.Socket.OSSupportsIPv6 ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"];
        foreach (var address in addresses)
        {
            using var response = await Cluster.Client.GetAsync($"http://{address}:{port}/fast");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        var page = await Cluster.Client.GetStringAsync(Cluster.Admin(loadBalancer));
        Assert.Contains($"at port {port}", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http://[::]", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_probes_paths_are_answered_by_both()
    {
        var service = await Cluster.StartServiceAsync("service-a");
        Cluster.Dns.Publish(service);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");

        foreach (var (pod, deployment) in new[] { (service, Cluster.Manifests.Service), (loadBalancer, Cluster.Manifests.LoadBalancer) })
        {
            var container = deployment.Container();
            foreach (var probe in new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe })
            {
                using var response = await Cluster.Client.GetAsync(new Uri(pod.Url, probe.HttpGet.Path));
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            }
        }
    }
}
