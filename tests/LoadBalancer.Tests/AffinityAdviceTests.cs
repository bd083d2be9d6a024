using ClusterAspire.Contract;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>A service whose clients must come back to the same replica, and do not.</summary>
public sealed class AffinityAdviceTests
{
    private const string Advice =
        "Each replica has sessions and SignalR's connections of its own, and a client's next request may reach another one: choose --affinity cookie (ReverseProxy:Clusters:service:SessionAffinity), or for sessions a store that all share.";

    [Fact]
    public async Task It_is_said_once_when_there_are_several_replicas()
    {
        await using var first = await StartAsync("replica-0");
        await using var second = await StartAsync("replica-1");
        await using var third = await StartAsync("replica-2");
        await using var balancer = await Balancer.StartAsync([first]);
        await balancer.UntilAsync("replica-0", "ready");
        Assert.DoesNotContain(balancer.Log, IsAdvice);

        balancer.Add(second);
        await balancer.UntilAsync("replica-1", "ready");
        balancer.Add(third);
        await balancer.UntilAsync("replica-2", "ready");

        Assert.EndsWith(Advice, Assert.Single(balancer.Log, IsAdvice), StringComparison.Ordinal);
        Assert.Single(balancer.Events, text => text is "load balancer: each replica has sessions and SignalR's connections of its own: choose affinity, or a store that all share");
    }

    [Fact]
    public async Task Nothing_is_said_where_clients_come_back_to_the_same_replica()
    {
        await using var first = await StartAsync("replica-0");
        await using var second = await StartAsync("replica-1");
        await using var balancer = await Balancer.StartAsync(
            [first, second],
            ("ReverseProxy:Clusters:service:SessionAffinity:Enabled", "true"),
            ("ReverseProxy:Clusters:service:SessionAffinity:Policy", "HashCookie"),
            ("ReverseProxy:Clusters:service:SessionAffinity:AffinityKeyName", "replica"));
        await balancer.UntilAsync("replica-0", "ready");
        await balancer.UntilAsync("replica-1", "ready");

        Assert.DoesNotContain(balancer.Log, IsAdvice);
    }

    private static bool IsAdvice(string line) => line.Contains("--affinity", StringComparison.Ordinal);

    private static async Task<UpstreamServer> StartAsync(string name)
    {
        var upstream = await UpstreamServer.StartAsync(name, context => context.Response.WriteAsync("ok"));
        upstream.Health = () => Results.Json(new ReplicaHealth("Healthy", name, 1, KeptOfClients: ["sessions", "SignalR's connections"]));
        return upstream;
    }
}
