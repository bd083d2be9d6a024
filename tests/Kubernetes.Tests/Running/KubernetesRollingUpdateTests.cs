using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>With the API's EndpointSlices, also while the API is not at its best.</summary>
public sealed class KubernetesRollingUpdateTests() : RollingUpdateTests("kubernetes")
{
    [Fact]
    public Task Against_an_api_that_is_slow_it_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        Cluster.Api.Delay = TimeSpan.FromSeconds(3);
        return ReplaceAsync();
    }

    [Fact]
    public Task Against_an_api_that_forgets_what_was_watched_it_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        return ReplaceAsync(() =>
        {
            Cluster.Api.Compact();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public Task Against_an_api_that_goes_away_it_costs_no_request()
    {
        Cluster.Dns.Cache = TimeSpan.FromSeconds(30);
        return ReplaceAsync(async () =>
        {
            // Away, it tells nobody to leave either: an update stands still for as long.
            Cluster.Api.IsGone = true;
            await Task.Delay(TimeSpan.FromSeconds(10));
            Cluster.Api.IsGone = false;
        });
    }
}
