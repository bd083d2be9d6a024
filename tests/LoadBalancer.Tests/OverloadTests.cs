using System.Collections.Concurrent;
using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class OverloadTests
{
    [Fact]
    public async Task Compute_requests_beyond_slots_and_queue_get_503_with_retry_after_and_nothing_hangs()
    {
        var finish = new TaskCompletionSource();
        Task Wait(HttpContext context) => context.Request.Path == "/slow" ? finish.Task : context.Response.WriteAsync("fast");
        await using var first = await UpstreamServer.StartAsync("replica-0", Wait);
        await using var second = await UpstreamServer.StartAsync("replica-1", Wait);
        await using var balancer = await Balancer.StartAsync([first, second], ("LoadBalancer:ComputeQueueLimit", "3"));

        var requests = Enumerable.Range(0, 9).Select(_ => balancer.Client.GetAsync("/slow")).ToList();
        var refused = new List<HttpResponseMessage>();
        while (refused.Count < 4)
        {
            var done = await Task.WhenAny(requests);
            requests.Remove(done);
            refused.Add(await done);
        }

        Assert.All(refused, response =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
        });
        Assert.Equal("fast", await balancer.Client.GetStringAsync("/fast"));
        // Others may be refused before the two have arrived.
        await Eventually.IsTrueAsync(() => first.Requests > 0 && second.Requests > 0);

        finish.SetResult();
        Assert.All(await Task.WhenAll(requests), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
    }

    [Fact]
    public async Task No_more_connections_are_made_than_the_cluster_allows()
    {
        var (now, most) = (0, 0);
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            var concurrent = Interlocked.Increment(ref now);
            InterlockedMax(ref most, concurrent);
            await Task.Delay(20);
            Interlocked.Decrement(ref now);
            await context.Response.WriteAsync("fast");
        });
        await using var balancer = await Balancer.StartAsync([upstream], ("ReverseProxy:Clusters:service:HttpClient:MaxConnectionsPerServer", "2"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => balancer.Client.GetStringAsync("/fast")));

        Assert.All(answers, answer => Assert.Equal("fast", answer));
        Assert.InRange(most, 1, 2);

        static void InterlockedMax(ref int target, int value)
        {
            for (var seen = target; seen < value; seen = target)
            {
                Interlocked.CompareExchange(ref target, value, seen);
            }
        }
    }

    [Fact]
    public async Task Waiting_too_long_for_a_core_ends_with_503()
    {
        var finish = new TaskCompletionSource();
        await using var upstream = await UpstreamServer.StartAsync("replica-0", _ => finish.Task);
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:ComputeQueueTimeout", "0.2"));

        var running = balancer.Client.GetAsync("/slow");
        await balancer.UntilAsync("replica-0", "busy");
        using var waited = await balancer.Client.GetAsync("/slow");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, waited.StatusCode);
        Assert.NotNull(waited.Headers.RetryAfter);

        finish.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await running).StatusCode);
    }

    [Fact]
    public async Task A_replica_never_computes_two_requests_at_a_time_and_answers_light_ones_meanwhile()
    {
        var most = new ConcurrentDictionary<string, int>();
        var running = new ConcurrentDictionary<string, int>();
        async Task Compute(string name, HttpContext context)
        {
            if (context.Request.Path != "/slow")
            {
                return;
            }

            var now = running.AddOrUpdate(name, 1, (_, count) => count + 1);
            most.AddOrUpdate(name, now, (_, before) => Math.Max(before, now));
            await Task.Delay(20);
            running.AddOrUpdate(name, 0, (_, count) => count - 1);
        }

        await using var first = await UpstreamServer.StartAsync("replica-0", context => Compute("replica-0", context));
        await using var second = await UpstreamServer.StartAsync("replica-1", context => Compute("replica-1", context));
        await using var balancer = await Balancer.StartAsync([first, second]);

        var slow = Task.WhenAll(Enumerable.Range(0, 40).Select(_ => balancer.Client.GetAsync("/slow")));
        var fast = new List<string>();
        for (var limit = new Deadline(); !slow.IsCompleted; limit.Check())
        {
            using var response = await balancer.Client.GetAsync("/fast");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            fast.Add(response.Headers.GetValues("X-Replica").Single());
        }

        Assert.All(await slow, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal([1, 1], most.Values);
        Assert.Equal(2, fast.Distinct().Count());
    }
}
