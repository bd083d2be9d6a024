using System.Globalization;
using Xunit;

namespace ClusterAspire.LoadBalancer.Page.Tests;

/// <summary>Prometheus' endpoint, of a balancer that is a process of its own: a process has one set of meters.</summary>
public sealed class ScrapeTests(LiveCluster cluster) : IClassFixture<LiveCluster>
{
    private const int Requests = 10;

    [Fact]
    public async Task It_counts_every_request_by_replica_and_no_probe()
    {
        var before = Count(await ScrapeAsync());
        for (var i = 0; i < Requests; i++)
        {
            await cluster.Client.GetStringAsync("/fast", TestContext.Current.CancellationToken);
        }

        // A scrape is answered from the one before for some 100 ms.
        string[] lines = [];
        await Eventually.AnswersAsync(async () => Count(lines = await ScrapeAsync()) >= before + Requests);

        Assert.Equal(before + Requests, Count(lines));
        Assert.All(LiveCluster.Replicas, replica => Assert.Contains(lines, line => line.Contains($"service_instance_id=\"{replica}\"", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.StartsWith("http_server_request_duration_seconds_count{", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("/health", StringComparison.Ordinal) || line.StartsWith("http_client", StringComparison.Ordinal));
    }

    private async Task<string[]> ScrapeAsync() =>
        (await cluster.Admin.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n');

    private static long Count(IEnumerable<string> lines) => lines
        .Where(line => line.StartsWith("clusteraspire_upstream_request_duration_seconds_count{", StringComparison.Ordinal))
        .Sum(line => long.Parse(line.Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture));
}
