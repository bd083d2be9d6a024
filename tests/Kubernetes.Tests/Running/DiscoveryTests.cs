using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The load balancer as DNS changes under it.</summary>
public sealed class DiscoveryTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public ValueTask InitializeAsync()
    {
        _cluster = new();
        return default;
    }

    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? default;

    [Fact]
    public async Task Pods_that_come_get_requests_and_pods_that_go_get_no_more()
    {
        var loadBalancer = await _cluster.StartLoadBalancerAsync("loadbalancer-1", until: "/alive");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/health"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/fast"));

        var first = await _cluster.StartServiceAsync("service-a");
        _cluster.Dns.Publish(first);
        await _cluster.AnsweringAsync(loadBalancer, "service-a");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/health"));

        var second = await _cluster.StartServiceAsync("service-b");
        _cluster.Dns.Publish(first, second);
        await _cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        _cluster.Dns.Publish(second);
        await _cluster.AnsweringAsync(loadBalancer, "service-b");

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var response = await _cluster.Client.GetAsync(new Uri(loadBalancer.Url, path));
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task When_dns_fails_the_pods_known_last_go_on_serving()
    {
        var (first, second) = (await _cluster.StartServiceAsync("service-a"), await _cluster.StartServiceAsync("service-b"));
        _cluster.Dns.Publish(first, second);
        var loadBalancer = await _cluster.StartLoadBalancerAsync("loadbalancer-1");
        await _cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        _cluster.Dns.Fails = true;
        await HasAskedAgainAsync();
        await _cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        // No pod ready, says DNS; the pods themselves say otherwise.
        _cluster.Dns.Fails = false;
        _cluster.Dns.Publish();
        await HasAskedAgainAsync();
        await _cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        // One that dies meanwhile is noticed without DNS.
        first.Kill();
        await first.ExitAsync();
        await _cluster.AnsweringAsync(loadBalancer, "service-b");

        var third = await _cluster.StartServiceAsync("service-c");
        _cluster.Dns.Publish(second, third);
        await _cluster.AnsweringAsync(loadBalancer, "service-b", "service-c");

        async Task HasAskedAgainAsync()
        {
            var before = _cluster.Dns.Queries;
            await Eventually.TrueAsync(() => Task.FromResult(_cluster.Dns.Queries > before + 10), () => "The load balancer does not look again.");
        }
    }

    [Fact]
    public async Task A_replica_goes_by_the_name_of_its_pod()
    {
        var pod = await _cluster.StartServiceAsync("service-7d4b9c-x2k8p");
        _cluster.Dns.Publish(pod);
        var loadBalancer = await _cluster.StartLoadBalancerAsync("loadbalancer-1");
        await _cluster.AnsweringAsync(loadBalancer, "service-7d4b9c-x2k8p");

        var replicas = await _cluster.Client.GetFromJsonAsync<JsonArray>(new UriBuilder(loadBalancer.Url) { Port = loadBalancer.Url.Port + 1, Path = "/api/replicas" }.Uri);

        var replica = Assert.Single(replicas!)!;
        Assert.Equal(("service-7d4b9c-x2k8p", 1), ((string?)replica["name"], (int?)replica["slots"]));
    }

    [Fact]
    public async Task The_probes_paths_are_answered_by_both()
    {
        var service = await _cluster.StartServiceAsync("service-a");
        _cluster.Dns.Publish(service);
        var loadBalancer = await _cluster.StartLoadBalancerAsync("loadbalancer-1");

        foreach (var (pod, deployment) in new[] { (service, TestCluster.ServiceDeployment), (loadBalancer, TestCluster.LoadBalancerDeployment) })
        {
            var container = deployment.Container();
            foreach (var probe in new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe })
            {
                using var response = await _cluster.Client.GetAsync(new Uri(pod.Url, probe.HttpGet.Path));
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            }
        }
    }
}
