using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class RetryTests
{
    private static Task Ok(HttpContext context) => context.Response.WriteAsync("ok");

    private static Task Break(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private static async Task Full(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        await context.Response.WriteAsync("full");
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public async Task A_safe_request_is_answered_by_another_replica_when_the_connection_breaks(string method)
    {
        await using var broken = await UpstreamServer.StartAsync("replica-0", Break);
        await using var sound = await UpstreamServer.StartAsync("replica-1", Ok);
        await using var balancer = await Balancer.StartAsync([broken, sound]);

        for (var i = 0; i < 10; i++)
        {
            using var response = await balancer.Client.SendAsync(new HttpRequestMessage(new(method), "/fast"));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("replica-1", response.Headers.GetValues("X-Replica").Single());
        }

        Assert.NotEqual(0, broken.Requests);
    }

    [Fact]
    public async Task A_post_is_not_repeated_and_fails_with_502()
    {
        await using var broken = await UpstreamServer.StartAsync("replica-0", Break);
        await using var alsoBroken = await UpstreamServer.StartAsync("replica-1", Break);
        await using var balancer = await Balancer.StartAsync([broken, alsoBroken]);

        using var response = await balancer.Client.PostAsync("/fast", new StringContent("once"));
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(1, broken.Requests + alsoBroken.Requests);
    }

    [Fact]
    public async Task Each_replica_is_tried_at_most_once()
    {
        await using var first = await UpstreamServer.StartAsync("replica-0", Break);
        await using var second = await UpstreamServer.StartAsync("replica-1", Break);
        await using var third = await UpstreamServer.StartAsync("replica-2", Break);
        await using var balancer = await Balancer.StartAsync([first, second, third]);

        using var response = await balancer.Client.GetAsync("/fast");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal([1, 1, 1], new[] { first.Requests, second.Requests, third.Requests });
    }

    [Fact]
    public async Task A_response_that_has_started_is_not_repeated()
    {
        var started = new TaskCompletionSource();
        async Task BreakHalfway(HttpContext context)
        {
            context.Response.ContentLength = 1000;
            await context.Response.WriteAsync("half");
            await started.Task;
            context.Abort();
        }

        await using var first = await UpstreamServer.StartAsync("replica-0", BreakHalfway);
        await using var second = await UpstreamServer.StartAsync("replica-1", BreakHalfway);
        await using var balancer = await Balancer.StartAsync([first, second]);

        using var response = await balancer.Client.GetAsync("/fast", HttpCompletionOption.ResponseHeadersRead);
        started.SetResult();
        await Assert.ThrowsAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
        Assert.Equal(1, first.Requests + second.Requests);
    }

    [Fact]
    public async Task Without_budget_nothing_is_repeated()
    {
        await using var first = await UpstreamServer.StartAsync("replica-0", Break);
        await using var second = await UpstreamServer.StartAsync("replica-1", Break);
        await using var balancer = await Balancer.StartAsync(
            [first, second], ("LoadBalancer:RetryRatio", "0"), ("LoadBalancer:RetryMinPerSecond", "0"));

        using var response = await balancer.Client.GetAsync("/fast");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(1, first.Requests + second.Requests);
    }

    [Fact]
    public async Task A_full_lane_sends_the_request_to_another_replica()
    {
        await using var full = await UpstreamServer.StartAsync("replica-0", Full);
        await using var free = await UpstreamServer.StartAsync("replica-1", Ok);
        await using var balancer = await Balancer.StartAsync([full, free]);

        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/slow"));
        }

        Assert.NotEqual(0, full.Requests);
    }

    [Fact]
    public async Task When_every_lane_is_full_the_client_hears_it_from_the_replica()
    {
        await using var first = await UpstreamServer.StartAsync("replica-0", Full);
        await using var second = await UpstreamServer.StartAsync("replica-1", Full);
        await using var balancer = await Balancer.StartAsync([first, second]);

        using var response = await balancer.Client.GetAsync("/slow");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal("full", await response.Content.ReadAsStringAsync());
        Assert.Equal([1, 1], new[] { first.Requests, second.Requests });
    }
}
