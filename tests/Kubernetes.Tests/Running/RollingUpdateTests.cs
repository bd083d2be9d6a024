using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Deployments roll with requests in flight all the time, and none fails.</summary>
/// <param name="discovery">How the load balancers find pods: <c>kubernetes</c> or <c>dns</c>.</param>
public abstract class RollingUpdateTests(string discovery) : ClusterTests(discovery)
{
    [Fact]
    public Task Where_dns_caches_replacing_every_replica_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        return ReplaceAsync();
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
            pod.Signal("TERM");
            var exitCode = await pod.ExitAsync();
            Assert.True(exitCode == 0, $"{pod.Name} ended with {exitCode}: {pod.Output}");
            leaving.Remove(pod);
            Cluster.Publish(pods, leaving);
        }
    }
}

/// <summary>With DNS alone.</summary>
public sealed class DnsRollingUpdateTests() : RollingUpdateTests("dns")
{
    [Fact]
    public Task Where_dns_does_not_cache_replacing_every_replica_costs_no_request() => ReplaceAsync();
}
