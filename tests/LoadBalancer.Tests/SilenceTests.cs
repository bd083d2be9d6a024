using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Replicas that do not answer: dead ones, and busy ones.</summary>
public sealed class SilenceTests
{
    [Fact]
    public async Task When_a_replica_is_declared_gone_its_safe_requests_are_answered_by_another_and_the_others_get_504()
    {
        using var frozen = new RawUpstream("replica-0", (_, _) => "ok");
        using var other = new RawUpstream("replica-1", (_, _) => "ok");
        await using var balancer = await Balancer.StartAsync([frozen, other], ("ReverseProxy:Clusters:service:LoadBalancingPolicy", "FirstAlphabetical"));
        await balancer.UntilAsync("replica-0", "ready");
        await balancer.UntilAsync("replica-1", "ready");

        frozen.IsSilent = true;
        var gets = Enumerable.Range(0, 10).Select(_ => balancer.Client.GetAsync("/fast")).ToList();
        var posts = Enumerable.Range(0, 3).Select(_ => balancer.Client.PostAsync("/fast", new StringContent("once"))).ToList();

        Assert.All(await Eventually.InTimeAsync(Task.WhenAll(gets)), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.All(await Eventually.InTimeAsync(Task.WhenAll(posts)), response => Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode));
        Assert.Equal(13, frozen.Requests.Count);
        Assert.Equal(10, other.Requests.Count);
        // But for the probes, which go on.
        await Eventually.IsTrueAsync(() => frozen.OpenConnections <= 1);
        Assert.Equal("restarting", (await balancer.ReplicaAsync("replica-0")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_connection_that_was_made_after_its_replica_was_declared_gone_is_dropped_too()
    {
        using var frozen = new RawUpstream("replica-0", (_, _) => "ok");
        await using var balancer = await Balancer.StartAsync([frozen]);
        await balancer.UntilAsync("replica-0", "ready");
        frozen.IsSilent = true;
        await balancer.UntilAsync("replica-0", "restarting");

        await using var late = await balancer.Services.GetRequiredService<UpstreamConnections>()
            .ConnectAsync(frozen.Address.Host, frozen.Address.Port, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ReplicaGoneException>(() => Eventually.InTimeAsync(late.ReadAsync(new byte[1]).AsTask()));
    }

    [Fact]
    public async Task A_replica_that_answers_requests_stays_though_it_answers_no_probe()
    {
        await using var busy = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var other = await UpstreamServer.StartAsync("replica-1", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([busy, other]);
        await balancer.UntilAsync("replica-0", "ready");
        await balancer.UntilAsync("replica-1", "ready");
        var before = balancer.Events.Count();
        var asked = 0;
        busy.Health = () =>
        {
            Interlocked.Increment(ref asked);
            return new Never();
        };

        await Eventually.IsTrueAsync(async () =>
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
            return asked >= 5;
        });

        Assert.Equal(before, balancer.Events.Count());
        Assert.Equal("ready", (await balancer.ReplicaAsync("replica-0")).GetProperty("state").GetString());
    }

    // The edge serves the first, Kestrel the second.
    [Theory]
    [InlineData("GET")]
    [InlineData("BREW")]
    public async Task A_response_that_began_before_its_replica_fell_silent_does_not_bring_it_back_when_it_ends(string method)
    {
        await using var frozen = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            await context.Response.WriteAsync("begun");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await using var other = await UpstreamServer.StartAsync("replica-1", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([frozen, other], ("ReverseProxy:Clusters:service:LoadBalancingPolicy", "FirstAlphabetical"));
        await balancer.UntilAsync("replica-0", "ready");
        await balancer.UntilAsync("replica-1", "ready");
        using var request = new HttpRequestMessage(new(method), "/fast");
        using var response = await balancer.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var before = balancer.Events.Count();

        frozen.Health = () => new Never();
        await Assert.ThrowsAnyAsync<Exception>(() => Eventually.InTimeAsync(response.Content.ReadAsStringAsync()));

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        }

        Assert.Equal(before + 1, balancer.Events.Count());
        Assert.Equal("restarting", (await balancer.ReplicaAsync("replica-0")).GetProperty("state").GetString());
    }

    private sealed class Never : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => Task.Delay(Timeout.Infinite, httpContext.RequestAborted);
    }
}
