using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The load balancer as EndpointSlices change under it, where DNS caches.</summary>
public sealed class KubernetesDiscoveryTests() : ClusterTests("kubernetes")
{
    [Fact]
    public async Task Pods_that_come_get_requests_at_once_and_pods_that_leave_get_no_more()
    {
        var (loadBalancer, first) = await StartAsync();
        var second = await Cluster.StartServiceAsync("service-b");
        Cluster.Publish([first, second]);
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        Cluster.Publish([second], terminating: [first]);
        await Cluster.AnsweringAsync(loadBalancer, "service-b");
        Assert.Equal(["service-a draining", "service-b ready"], await StatesAsync(loadBalancer));

        // Whoever is leaving serves when nobody else does.
        Cluster.Publish([], terminating: [first]);
        await Cluster.AnsweringAsync(loadBalancer, "service-a");
        Assert.Equal(1, Cluster.Api.Lists);
    }

    [Fact]
    public async Task A_replica_goes_by_its_pods_name_from_its_first_request_on()
    {
        var (loadBalancer, first) = await StartAsync();
        HashSet<string> names = [];
        List<Pod> pods = [first];
        for (var i = 0; i < 5; i++)
        {
            pods.Add(await Cluster.StartServiceAsync($"service-{i}"));
            Cluster.Publish(pods);
            await Eventually.IsTrueAsync(
                async () =>
                {
                    names.UnionWith(await Cluster.AnsweringAsync(loadBalancer));
                    return names.Contains($"service-{i}");
                },
                $"service-{i} answers");
        }

        Assert.DoesNotContain(names, name => name.Contains(':', StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_api_that_is_away_is_replaced_by_dns_and_taken_up_again()
    {
        var (loadBalancer, first) = await StartAsync();
        Cluster.Api.IsGone = true;
        await Eventually.IsTrueAsync(() => loadBalancer.Text.Contains("DNS stands in", StringComparison.Ordinal));

        // One that comes meanwhile is found by DNS, beside the one known before, which DNS does not name.
        var second = await Cluster.StartServiceAsync("service-b");
        Cluster.Dns.Cache = default;
        Cluster.Dns.Publish(second);
        Cluster.Dns.Refresh();
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        var third = await Cluster.StartServiceAsync("service-c");
        Cluster.Api.Publish([second, third], terminating: [first]);
        Cluster.Api.IsGone = false;
        await Cluster.AnsweringAsync(loadBalancer, "service-b", "service-c");
    }

    [Fact]
    public async Task Without_the_api_a_load_balancer_starts_by_dns()
    {
        Cluster.Api.IsGone = true;
        var (loadBalancer, first) = await StartAsync();
        Assert.Contains("DNS stands in", loadBalancer.Text, StringComparison.Ordinal);

        Cluster.Api.IsGone = false;
        var second = await Cluster.StartServiceAsync("service-b");
        Cluster.Api.Publish([first, second]);
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");
    }

    [Fact]
    public async Task A_role_that_is_missing_is_said_in_the_log()
    {
        Cluster.Api.Permits = false;
        var (loadBalancer, _) = await StartAsync();

        Assert.Contains("The EndpointSlices of service cannot be watched (it answers 403 Forbidden). DNS stands in", loadBalancer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_is_read_again_when_it_has_been_replaced()
    {
        var (loadBalancer, first) = await StartAsync();

        Cluster.Api.RotateToken();
        Cluster.Api.Break();
        var second = await Cluster.StartServiceAsync("service-b");
        Cluster.Api.Publish([first, second]);
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        Assert.DoesNotContain("401", loadBalancer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_api_that_forgets_what_was_watched_is_listed_again()
    {
        var (loadBalancer, first) = await StartAsync();
        var second = await Cluster.StartServiceAsync("service-b");

        Cluster.Api.Compact();
        Cluster.Api.Publish([first, second]);
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");

        Assert.Equal(2, Cluster.Api.Lists);
        Assert.DoesNotContain("DNS stands in", loadBalancer.Text, StringComparison.Ordinal);
    }

    private async Task<(Pod LoadBalancer, Pod Service)> StartAsync()
    {
        Cluster.Dns.Cache = TimeSpan.FromHours(1);
        var service = await Cluster.StartServiceAsync("service-a");
        Cluster.Publish([service]);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(loadBalancer, "service-a");
        return (loadBalancer, service);
    }

    private async Task<IEnumerable<string>> StatesAsync(Pod loadBalancer)
    {
        var replicas = await Cluster.Client.GetFromJsonAsync<JsonArray>(new Uri(Cluster.Admin(loadBalancer), "/api/replicas"));
        return replicas!.Select(replica => $"{replica!["name"]} {replica["state"]}").Order(StringComparer.Ordinal);
    }
}
