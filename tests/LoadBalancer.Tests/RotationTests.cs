using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class RotationTests
{
    private static Task Ok(HttpContext context) => context.Response.WriteAsync("ok");

    [Fact]
    public async Task A_replica_that_goes_away_costs_no_safe_request_and_comes_back()
    {
        await using var stays = await UpstreamServer.StartAsync("replica-0", Ok);
        var port = FreePort.Next();
        var leaves = await UpstreamServer.StartAsync("replica-1", Ok, port);
        await using var balancer = await Balancer.StartAsync([stays, leaves]);
        await balancer.UntilAsync("replica-1", "ready");

        await leaves.DisposeAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        }

        await balancer.UntilAsync("replica-1", "restarting", "down");
        await using var back = await UpstreamServer.StartAsync("replica-1", Ok, port);
        await balancer.UntilAsync("replica-1", "ready");
        Assert.Equal(1, (await balancer.ReplicaAsync("replica-1")).GetProperty("restarts").GetInt32());
        for (var limit = new Deadline(); back.Requests == 0; limit.Check())
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        }
    }

    [Fact]
    public async Task A_replica_that_refused_is_asked_at_once_whether_it_is_back()
    {
        await using var stays = await UpstreamServer.StartAsync("replica-0", Ok);
        var port = FreePort.Next();
        var leaves = await UpstreamServer.StartAsync("replica-1", Ok, port);
        var time = new FakeTimeProvider();
        await using var balancer = await Balancer.StartAsync([stays, leaves], time);
        await balancer.UntilAsync("replica-1", "ready");

        await leaves.DisposeAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        }

        await balancer.UntilAsync("replica-1", "restarting");
        await using var back = await UpstreamServer.StartAsync("replica-1", Ok, port);
        // Far from the second after which one that serves is asked again.
        time.Advance(TimeSpan.FromMilliseconds(100));

        await balancer.UntilAsync("replica-1", "ready");
    }

    [Fact]
    public async Task A_draining_replica_finishes_what_it_has_and_gets_nothing_new()
    {
        var finish = new TaskCompletionSource();
        await using var drains = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            await finish.Task;
            await context.Response.WriteAsync("finished");
        });
        await using var other = await UpstreamServer.StartAsync("replica-1", Ok);
        await using var balancer = await Balancer.StartAsync([drains, other]);
        var inFlight = Task.FromResult("");
        for (var limit = new Deadline(); drains.Requests == 0; limit.Check())
        {
            inFlight = balancer.Client.GetStringAsync("/fast");
            await Eventually.IsTrueAsync(() => inFlight.IsCompleted || drains.Requests > 0);
        }

        drains.Health = () => Results.Json(new { status = "Draining", name = "replica-0" }, statusCode: 503);
        await balancer.UntilAsync("replica-0", "draining");
        var before = drains.Requests;
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        }

        Assert.Equal(before, drains.Requests);
        finish.SetResult();
        Assert.Equal("finished", await inFlight);
    }

    [Fact]
    public async Task With_every_replica_down_the_answer_is_a_clear_503()
    {
        var upstream = await UpstreamServer.StartAsync("replica-0", Ok);
        await using var balancer = await Balancer.StartAsync([upstream]);
        await upstream.DisposeAsync();
        await balancer.UntilAsync("replica-0", "restarting", "starting", "down");

        foreach (var path in new[] { "/fast", "/slow" })
        {
            using var response = await balancer.Client.GetAsync(path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Contains("No replica is serving", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_service_without_health_checks_is_served_all_the_same()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", Ok);
        upstream.Health = null;
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
    }
}
