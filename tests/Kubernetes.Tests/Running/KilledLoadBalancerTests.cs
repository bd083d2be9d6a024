using System.Net;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>A load balancer that is killed in its pod, whose first process holds the listening sockets.</summary>
public sealed class KilledLoadBalancerTests() : ClusterTests("kubernetes")
{
    [Fact]
    public async Task No_client_that_connects_is_refused_and_each_is_answered()
    {
        var pod = await StartAsync();
        await using NewConnections load = new(pod);

        for (var i = 0; i < 3; i++)
        {
            await load.GoOnAsync();
            await load.KillAsync(await ChildAsync(pod));
        }

        await load.GoOnAsync();
        Assert.Empty(load.Failures);
    }

    [Fact]
    public async Task After_it_the_pod_drains_as_ever()
    {
        var pod = await StartAsync();
        await Processes.KillAsync(await ChildAsync(pod));
        await Cluster.AnsweringAsync(pod, "service-a");
        var started = Cluster.Client.GetAsync(new Uri(pod.Url, "/slow?iterations=1000000000"));

        pod.Signal("TERM");
        await pod.WritesAsync("Draining");
        await Cluster.AnsweringAsync(pod, "service-a");

        using var response = await started;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, await pod.ExitAsync());
    }

    [Fact]
    public async Task Killed_again_and_again_it_ends_the_pod_for_kubernetes_to_see()
    {
        var pod = await StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await Processes.KillAsync(await ChildAsync(pod));
        }

        Assert.Equal(137, await pod.ExitAsync());
        Assert.Contains("The load balancer has ended 5 times in a row, at last with exit code 137: giving up.", pod.Errors);
    }

    [Fact]
    public async Task It_does_not_outlive_the_first_process()
    {
        var pod = await StartAsync();
        var child = await ChildAsync(pod);

        pod.Kill();

        await Eventually.IsTrueAsync(() => !TestProcess.IsRunning(child), "the load balancer is gone");
    }

    private async Task<Pod> StartAsync()
    {
        var service = await Cluster.StartServiceAsync("service-a");
        Cluster.Publish([service]);
        var pod = await Cluster.StartLoadBalancerAsync("loadbalancer-1");
        await Cluster.AnsweringAsync(pod, "service-a");
        return pod;
    }

    // The one that accepts: the pod's first process has no other child.
    private static async Task<int> ChildAsync(Pod pod) =>
        (await Eventually.BecomesAsync(() => Task.FromResult(Processes.Children(pod.Pid)), children => children.Count == 1, "the pod's process has a child"))[0];
}
