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
    public async Task A_replica_that_breaks_its_connections_costs_a_client_of_http2_that_request_only()
    {
        await using var broken = await UpstreamServer.StartAsync("replica-0", Break);
        await using var sound = await UpstreamServer.StartAsync("replica-1", async context =>
        {
            await Task.Delay(20);
            await Ok(context);
        });
        await using var balancer = await Balancer.StartAsync([broken, sound]);
        using var client = new HttpClient { BaseAddress = balancer.Client.BaseAddress, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        for (var i = 0; i < 10; i++)
        {
            var reads = Enumerable.Range(0, 5).Select(_ => client.GetAsync("/fast")).ToList();
            using var written = await client.PostAsync("/fast", new StringContent("once"));
            Assert.True(written.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadGateway);
            foreach (var read in await Task.WhenAll(reads))
            {
                Assert.True(read.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadGateway);
            }
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

    [Theory]
    [InlineData("0", 1)]
    [InlineData("1", 2)]
    [InlineData("2", 3)]
    public async Task Once_sent_a_request_reaches_as_many_more_replicas_as_the_option_says(string limit, int reached)
    {
        await using var first = await UpstreamServer.StartAsync("replica-0", Break);
        await using var second = await UpstreamServer.StartAsync("replica-1", Break);
        await using var third = await UpstreamServer.StartAsync("replica-2", Break);
        await using var fourth = await UpstreamServer.StartAsync("replica-3", Break);
        await using var balancer = await Balancer.StartAsync([first, second, third, fourth], ("LoadBalancer:RetryLimit", limit));

        using var response = await balancer.Client.GetAsync("/fast");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(reached, first.Requests + second.Requests + third.Requests + fourth.Requests);
    }

    [Fact]
    public async Task After_a_time_out_nothing_is_repeated()
    {
        async Task Never(HttpContext context) => await Task.Delay(Timeout.Infinite, context.RequestAborted);
        await using var first = await UpstreamServer.StartAsync("replica-0", Never);
        await using var second = await UpstreamServer.StartAsync("replica-1", Never);
        await using var third = await UpstreamServer.StartAsync("replica-2", Never);
        await using var balancer = await Balancer.StartAsync(
            [first, second, third], ("ReverseProxy:Clusters:service:HttpRequest:ActivityTimeout", "00:00:00.5"));

        using var response = await balancer.Client.GetAsync("/fast");
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal(1, first.Requests + second.Requests + third.Requests);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task A_connection_that_cannot_be_made_is_tried_on_every_replica_whatever_the_method(string method)
    {
        await using var sound = await UpstreamServer.StartAsync("replica-9", async context =>
            await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync()));
        var dead = Enumerable.Range(0, 4).Select(i => new RawUpstream($"replica-{i}", (_, _) => null)).ToList();
        dead.ForEach(upstream => upstream.Die());
        // Without our policies nobody probes, and those that refuse stay.
        await using var balancer = await Balancer.StartAsync(
            [.. dead, sound],
            ("ReverseProxy:Clusters:service:LoadBalancingPolicy", "FirstAlphabetical"),
            ("ReverseProxy:Clusters:service:HealthCheck:AvailableDestinationsPolicy", "HealthyAndUnknown"));

        using var request = new HttpRequestMessage(new(method), "/fast") { Content = method == "POST" ? new StringContent("once") : null };
        using var response = await balancer.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(method == "POST" ? "once" : "", await response.Content.ReadAsStringAsync());
        Assert.Equal(1, sound.Requests);
    }

    [Theory]
    [InlineData("GET", 1, 1)]
    [InlineData("POST", 1, 0)]
    [InlineData("DELETE", 1, 0)]
    [InlineData("BREW", 1, 0)]
    public async Task A_kept_connection_that_ends_without_an_answer_is_one_try(string method, int first, int second)
    {
        using var closes = new RawUpstream("replica-0", (_, path) => path == "/close" ? null : "ok");
        using var other = new RawUpstream("replica-1", (_, path) => path == "/close" ? null : "ok");
        await using var balancer = await Balancer.StartAsync([closes, other], ("ReverseProxy:Clusters:service:LoadBalancingPolicy", "FirstAlphabetical"));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        }

        using var response = await balancer.Client.SendAsync(new(new(method), "/close"));
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal((first, second), (Closed(closes), Closed(other)));

        int Closed(RawUpstream upstream) => upstream.Requests.Count(request => request == $"{method} /close");
    }

    [Fact]
    public async Task A_request_that_ended_two_replicas_never_reaches_a_third_and_is_refused()
    {
        static string? DieOf(RawUpstream replica, string path)
        {
            if (path.StartsWith("/die", StringComparison.Ordinal))
            {
                replica.Die();
            }

            return "ok";
        }

        var replicas = Enumerable.Range(0, 4).Select(i => new RawUpstream($"replica-{i}", DieOf)).ToList();
        await using var balancer = await Balancer.StartAsync(replicas);

        using var first = await balancer.Client.GetAsync("/die?of=this");
        Assert.Equal(HttpStatusCode.BadGateway, first.StatusCode);
        for (var i = 0; i < 3; i++)
        {
            using var again = await balancer.Client.GetAsync("/die?of=this");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, again.StatusCode);
            Assert.Contains("ended two replicas", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(2, replicas.Count(replica => replica.IsDead));
        Assert.Single(balancer.Events, item => item.Contains("GET /die ended two replicas", StringComparison.Ordinal));
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
        replicas.ForEach(replica => replica.Dispose());
    }

    [Fact]
    public async Task Replicas_that_are_killed_under_load_make_nothing_a_poison()
    {
        var replicas = Enumerable.Range(0, 3).Select(i => new RawUpstream($"replica-{i}", (_, _) => "ok")).ToList();
        await using var balancer = await Balancer.StartAsync(replicas);
        using var end = new CancellationTokenSource();
        var load = Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!end.IsCancellationRequested)
            {
                Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
            }
        }));
        await Eventually.IsTrueAsync(() => replicas.TrueForAll(replica => replica.Requests.Count > 20));

        // One after the other: a request that both fail has had its one more try.
        foreach (var dying in replicas[..2])
        {
            dying.Die();
            var before = replicas[2].Requests.Count;
            await Eventually.IsTrueAsync(() => replicas[2].Requests.Count > before + 100);
        }

        await end.CancelAsync();
        await load;
        replicas.ForEach(replica => replica.Dispose());
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
