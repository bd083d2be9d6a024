using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Live;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class LiveFeedTests
{
    [Fact]
    public async Task A_second_that_fails_is_logged_and_the_feed_goes_on()
    {
        var time = new FakeTimeProvider();
        // Its catalog has no proxy to ask: each look fails.
        var cluster = new TestCluster(1, time);
        var queue = new ComputeQueue(
            cluster.Catalog, new CoreAwarePolicy(cluster.Catalog), new ReadyDestinationsPolicy(cluster.Catalog), Options.Create(new LoadBalancerOptions()), time);
        var log = new LogLines();
        using var logging = LoggerFactory.Create(logging => logging.AddProvider(log));
        using var feed = new LiveFeed(cluster.Catalog, queue, time, logging.CreateLogger<LiveFeed>());
        await feed.StartAsync(CancellationToken.None);

        await Eventually.IsTrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return log.Lines.Count >= 3;
        });
        Assert.False(feed.ExecuteTask!.IsCompleted);
        await feed.StopAsync(CancellationToken.None);
    }
}
