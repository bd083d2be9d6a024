using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Deployments roll with requests in flight all the time, and none fails.</summary>
/// <param name="discovery">How the load balancers find pods: <c>kubernetes</c> or <c>dns</c>.</param>
public abstract class RollingUpdateTests(string discovery) : ClusterTests(discovery)
{
    [Fact]
    public Task Where_dns_does_not_cache_replacing_every_replica_costs_no_request() => ReplaceAsync();

    [Fact]
    public Task Where_dns_caches_replacing_every_replica_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        return ReplaceAsync();
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

            before.Terminate();
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
            pod.Terminate();
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
    public async Task A_replica_that_is_killed_costs_no_safe_request()
    {
        var (first, second) = (await Cluster.StartServiceAsync("service-a"), await Cluster.StartServiceAsync("service-b"));
        Cluster.Publish([first, second]);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");
        await using Load load = new(loadBalancer);
        await load.GoOnAsync();

        first.Kill();
        await load.GoOnAsync();

        Assert.DoesNotContain(load.Failures, failure => failure.StartsWith("GET", StringComparison.Ordinal));
    }

    /// <summary>Replaces two pods one after the other, as the Deployment's controller and the kubelet do it.</summary>
    /// <param name="meanwhile">What happens when a new pod is ready.</param>
    private protected async Task ReplaceAsync(Func<Task>? meanwhile = null)
    {
        List<Pod> pods = [await Cluster.StartServiceAsync("old-0"), await Cluster.StartServiceAsync("old-1")];
        List<Pod> leaving = [];
        Cluster.Publish(pods);
        var loadBalancer = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(loadBalancer, "old-0", "old-1");
        await using Load load = new(loadBalancer);
        await load.GoOnAsync();
        Cluster.Dns.Refresh();

        List<Task> left = [];
        for (var i = 0; i < 2; i++)
        {
            pods.Add(await Cluster.StartServiceAsync($"new-{i}"));
            Cluster.Publish(pods, leaving);
            await (meanwhile?.Invoke() ?? Task.CompletedTask);
            await Task.Delay(Cluster.Manifests.MinReady);
            left.Add(LeaveAsync(pods[0]));
        }

        await Task.WhenAll(left);
        await load.GoOnAsync();
        await Cluster.AnsweringAsync(loadBalancer, "new-0", "new-1");
        Assert.Empty(load.Failures);

        async Task LeaveAsync(Pod pod)
        {
            pods.Remove(pod);
            leaving.Add(pod);
            Cluster.Publish(pods, leaving);
            await Task.Delay(Cluster.Manifests.PreStop);
            pod.Terminate();
            Assert.Equal(0, await pod.ExitAsync());
            leaving.Remove(pod);
            Cluster.Publish(pods, leaving);
        }
    }
}

/// <summary>With DNS alone.</summary>
public sealed class DnsRollingUpdateTests() : RollingUpdateTests("dns");
