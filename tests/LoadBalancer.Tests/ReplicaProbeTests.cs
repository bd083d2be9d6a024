using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>When replicas are asked, by a clock that stands still unless the test moves it.</summary>
public sealed class ReplicaProbeTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConcurrentQueue<long> _asked = [];

    [Fact]
    public async Task A_replica_that_serves_is_asked_once_a_second()
    {
        await using var upstream = await StartAsync("replica-0");
        await using var balancer = await Balancer.StartAsync([upstream], _time);
        for (var limit = new Deadline(); _asked.Count < 4; limit.Check())
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Assert.Equal(_asked.Distinct(), _asked);
    }

    [Fact]
    public async Task A_replica_is_asked_at_once_when_a_connection_to_it_breaks()
    {
        await using var upstream = await StartAsync("replica-0");
        await using var balancer = await Balancer.StartAsync([upstream], _time);
        await balancer.UntilAsync("replica-0", "ready");
        _time.Advance(TimeSpan.FromMilliseconds(100));

        using var response = await balancer.Client.PostAsync("/breaks", null, TestContext.Current.CancellationToken);

        Assert.Equal(502, (int)response.StatusCode);
        await UntilAskedAsync(2);
    }

    [Fact]
    public async Task A_replica_is_asked_at_once_when_the_configuration_brings_it()
    {
        await using var first = await StartAsync("replica-0");
        await using var balancer = await Balancer.StartAsync([first], _time);
        await balancer.UntilAsync("replica-0", "ready");

        await using var second = await StartAsync("replica-1");
        balancer.Add(second);

        await balancer.UntilAsync("replica-1", "ready");
        Assert.Equal(2, _asked.Count);
    }

    private async Task<UpstreamServer> StartAsync(string name)
    {
        var upstream = await UpstreamServer.StartAsync(name, context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        var health = upstream.Health!;
        upstream.Health = () =>
        {
            _asked.Enqueue(LatencyHistory.SecondAt(_time));
            return health();
        };
        return upstream;
    }

    private Task UntilAskedAsync(int times) => Eventually.IsTrueAsync(() => _asked.Count >= times);
}
