using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>With the API's EndpointSlices, also while the API is not at its best.</summary>
public sealed class KubernetesRollingUpdateTests() : RollingUpdateTests("kubernetes")
{
    [Fact]
    public Task Against_an_api_that_is_slow_it_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        Cluster.Api.Delay = TimeSpan.FromSeconds(3);
        return ReplaceAsync();
    }

    [Fact]
    public Task Against_an_api_that_forgets_what_was_watched_it_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        return ReplaceAsync(() =>
        {
            Cluster.Api.Compact();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public Task Against_an_api_that_goes_away_it_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        return ReplaceAsync(async () =>
        {
            // Away, it tells nobody to leave either: an update stands still for as long.
            Cluster.Api.IsGone = true;
            await Task.Delay(TimeSpan.FromSeconds(10));
            Cluster.Api.IsGone = false;
        });
    }

    [Fact]
    public async Task Replacing_every_load_balancer_costs_no_request()
    {
        Cluster.Publish([await Cluster.StartServiceAsync("service-a"), await Cluster.StartServiceAsync("service-b")]);
        List<Pod> loadBalancers = [await Cluster.StartLoadBalancerAsync("old-0"), await Cluster.StartLoadBalancerAsync("old-1")];
        foreach (var loadBalancer in loadBalancers)
        {
            await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");
        }

        await using Load load = new(loadBalancers);
        await load.GoOnAsync();

        for (var i = 0; i < 2; i++)
        {
            // Requests go to it as soon as it is ready.
            var (before, after) = (loadBalancers[0], await Cluster.StartLoadBalancerAsync($"new-{i}"));
            load.GoTo([.. loadBalancers, after]);
            await load.GoOnAsync();
            loadBalancers = [loadBalancers[1], after];
            load.GoTo(loadBalancers);

            before.Signal("TERM");
            Assert.Equal(0, await before.ExitAsync());
            await load.GoOnAsync();
        }

        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task A_pod_that_drains_serves_on_and_tells_clients_to_connect_elsewhere()
    {
        var service = await Cluster.StartServiceAsync("service-a");
        Cluster.Publish([service]);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");

        foreach (var pod in new[] { loadBalancer, service })
        {
            pod.Signal("TERM");
            await Eventually.IsTrueAsync(
                async () =>
                {
                    using var response = await Cluster.Client.GetAsync(new Uri(pod.Url, "/fast"));
                    Assert.True(response.IsSuccessStatusCode);
                    return response.Headers.ConnectionClose is true;
                },
                $"{pod.Name} closes its connections");
            Assert.Equal(0, await pod.ExitAsync());
        }
    }

    [Fact]
    public async Task A_replica_that_is_cut_off_costs_no_safe_request_and_holds_none_up()
    {
        var (first, loadBalancer) = await StartTwoReplicasAsync();
        await using Load load = new(loadBalancer);
        await load.GoOnAsync();

        Cluster.CutOff(first);

        await Eventually.BecomesAsync(
            async () => (await Cluster.Client.GetFromJsonAsync<JsonArray>(new Uri(Cluster.Admin(loadBalancer), "/api/replicas")))!
                .Single(replica => (string?)replica!["name"] == "service-a")!.AsObject(),
            replica => (string?)replica["state"] is "restarting" or "down" && (int?)replica["inFlight"] == 0,
            "it is known to be gone, and nothing waits for it");
        await load.GoOnAsync();
        Assert.DoesNotContain(load.Failures, failure => failure.StartsWith("GET", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_replica_that_is_killed_costs_no_safe_request()
    {
        var (first, loadBalancer) = await StartTwoReplicasAsync();
        await using Load load = new(loadBalancer);
        await load.GoOnAsync();

        first.Kill();
        await load.GoOnAsync();

        Assert.DoesNotContain(load.Failures, failure => failure.StartsWith("GET", StringComparison.Ordinal));
    }
    /// <summary>Starts service-a and service-b and a load balancer that knows both.</summary>
    /// <returns>service-a and the load balancer.</returns>
    private async Task<(Pod First, Pod LoadBalancer)> StartTwoReplicasAsync()
    {
        var (first, second) = (await Cluster.StartServiceAsync("service-a"), await Cluster.StartServiceAsync("service-b"));
        Cluster.Publish([first, second]);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");
        return (first, loadBalancer);
    }
}
