using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ClusterAspire.LoadBalancer.Live;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Figures;

/// <summary>The figures against the truth: what the upstreams and the client measured themselves.</summary>
public sealed class FiguresTests
{
    private const int Requests = 300;
    private const double Precision = 0.02; // HdrHistogram's two digits, up and down.

    [Fact]
    public async Task Percentiles_lie_between_what_the_replica_and_what_the_client_measured()
    {
        var upstreamTimes = new ConcurrentBag<double>();
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => WorkAsync(context, upstreamTimes));
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");

        var clientTimes = new ConcurrentBag<double>();
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken }, async (i, stop) =>
        {
            var started = Stopwatch.GetTimestamp();
            await balancer.Client.GetStringAsync($"/work?ms={1 + i % 60}", stop);
            clientTimes.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        });

        var figures = (await balancer.ReplicaAsync("replica-0")).GetProperty("light").GetProperty("sinceStart");
        Assert.Equal(Requests, figures.GetProperty("count").GetInt32());
        foreach (var (name, share) in new[] { ("p50", 0.50), ("p95", 0.95), ("p99", 0.99) })
        {
            var figure = figures.GetProperty(name).GetDouble();
            Assert.InRange(figure, At(upstreamTimes, share) * (1 - Precision), At(clientTimes, share) * (1 + Precision));
        }
    }

    [Fact]
    public async Task Counts_add_up_exactly_over_replicas_and_route_classes()
    {
        await using var zero = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var one = await UpstreamServer.StartAsync("replica-1", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([zero, one]);
        await balancer.UntilAsync("replica-0", "ready");
        await balancer.UntilAsync("replica-1", "ready");

        await Parallel.ForAsync(0, Requests, TestContext.Current.CancellationToken, async (i, stop) =>
            await balancer.Client.GetStringAsync(i % 3 == 0 ? "/slow" : "/fast", stop));

        var replicas = new[] { await balancer.ReplicaAsync("replica-0"), await balancer.ReplicaAsync("replica-1") };
        Assert.Equal(zero.Requests, Count(replicas[0], "light") + Count(replicas[0], "compute"));
        Assert.Equal(one.Requests, Count(replicas[1], "light") + Count(replicas[1], "compute"));
        Assert.Equal(Requests / 3, replicas.Sum(replica => Count(replica, "compute")));
        Assert.Equal(Requests, zero.Requests + one.Requests);
    }

    [Fact]
    public async Task The_supervisor_reports_what_only_it_sees()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream]);
        using var taken = await balancer.Admin.PostAsync("/api/events", Json("""{"subject":"supervisor","text":"replica-0 exited with code 137"}"""), TestContext.Current.CancellationToken);
        Assert.Equal(204, (int)taken.StatusCode);
        foreach (var wrong in new[] { "{}", """{"subject":"","text":"x"}""", $$"""{"subject":"x","text":"{{new string('x', 300)}}"}""" })
        {
            using var refused = await balancer.Admin.PostAsync("/api/events", Json(wrong), TestContext.Current.CancellationToken);
            Assert.Equal(400, (int)refused.StatusCode);
        }
    }

    private static async Task WorkAsync(HttpContext context, ConcurrentBag<double> times)
    {
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(int.Parse(context.Request.Query["ms"]!, CultureInfo.InvariantCulture));
        times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        await context.Response.WriteAsync("done");
    }

    private static StringContent Json(string body) => new(body, System.Text.Encoding.UTF8, "application/json");

    private static int Count(JsonElement replica, string routeClass) =>
        replica.GetProperty(routeClass).GetProperty("sinceStart").GetProperty("count").GetInt32();

    // The smallest value that at least this share of all is at or below, as HdrHistogram has it.
    private static double At(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * share) - 1)];
    }
}
