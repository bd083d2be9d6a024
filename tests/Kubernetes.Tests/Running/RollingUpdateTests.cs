using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Deployments roll with requests in flight all the time, and none fails.</summary>
public sealed class RollingUpdateTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public ValueTask InitializeAsync()
    {
        _cluster = new();
        return default;
    }

    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? default;

    [Fact]
    public async Task Replacing_every_replica_costs_no_request()
    {
        List<Pod> pods = [await _cluster.StartServiceAsync("old-0"), await _cluster.StartServiceAsync("old-1")];
        _cluster.Dns.Publish(pods);
        var loadBalancer = await _cluster.StartLoadBalancerAsync("loadbalancer-1");
        await _cluster.AnsweringAsync(loadBalancer, "old-0", "old-1");
        await using Load load = new(loadBalancer);

        for (var i = 0; i < 2; i++)
        {
            var (before, after) = (pods[0], await _cluster.StartServiceAsync($"new-{i}"));
            _cluster.Dns.Publish([.. pods, after]);
            await load.GoOnAsync();

            // DNS is late: it goes on naming a pod that has left for good.
            before.Terminate();
            Assert.Equal(0, await before.ExitAsync());
            await load.GoOnAsync();
            pods.Remove(before);
            pods.Add(after);
            _cluster.Dns.Publish(pods);
        }

        await _cluster.AnsweringAsync(loadBalancer, "new-0", "new-1");
        await load.GoOnAsync();
        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task Replacing_every_load_balancer_costs_no_request()
    {
        _cluster.Dns.Publish(await _cluster.StartServiceAsync("service-a"), await _cluster.StartServiceAsync("service-b"));
        List<Pod> loadBalancers = [await _cluster.StartLoadBalancerAsync("old-0"), await _cluster.StartLoadBalancerAsync("old-1")];
        foreach (var loadBalancer in loadBalancers)
        {
            await _cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");
        }

        await using Load load = new(loadBalancers);
        await load.GoOnAsync();

        for (var i = 0; i < 2; i++)
        {
            // Requests go to it as soon as it is ready.
            var (before, after) = (loadBalancers[0], await _cluster.StartLoadBalancerAsync($"new-{i}"));
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
    public async Task A_replica_that_is_killed_costs_no_safe_request()
    {
        var (first, second) = (await _cluster.StartServiceAsync("service-a"), await _cluster.StartServiceAsync("service-b"));
        _cluster.Dns.Publish(first, second);
        var loadBalancer = await _cluster.StartLoadBalancerAsync("loadbalancer-1");
        await _cluster.AnsweringAsync(loadBalancer, "service-a", "service-b");
        await using Load load = new(loadBalancer);
        await load.GoOnAsync();

        first.Kill();
        await load.GoOnAsync();

        Assert.DoesNotContain(load.Failures, failure => failure.StartsWith("GET", StringComparison.Ordinal));
    }
}
