using ClusterAspire.LoadBalancer.Balancing;
using Xunit;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class CoreAwarePolicyTests
{
    private readonly TestCluster _cluster = new(4);

    [Fact]
    public void The_replica_with_the_fewest_requests_in_flight_gets_the_next()
    {
        var policy = new CoreAwarePolicy(_cluster.Catalog);
        foreach (var busy in new[] { 0, 1, 3 })
        {
            _cluster[busy].Begin();
        }

        for (var i = 0; i < 8; i++)
        {
            Assert.Same(_cluster.Destinations[2], Pick(policy));
        }
    }

    [Fact]
    public void Among_equals_one_without_compute_work_is_preferred()
    {
        var policy = new CoreAwarePolicy(_cluster.Catalog);
        for (var i = 0; i < 4; i++)
        {
            _cluster[i].Begin();
            if (i != 1)
            {
                _cluster[i].TakeSlot();
            }
        }

        for (var i = 0; i < 8; i++)
        {
            Assert.Same(_cluster.Destinations[1], Pick(policy));
        }
    }

    [Fact]
    public void Idle_replicas_take_turns()
    {
        var policy = new CoreAwarePolicy(_cluster.Catalog);
        var picks = Enumerable.Range(0, 400).Select(_ => Pick(policy)!.DestinationId).CountBy(id => id).ToDictionary();
        Assert.Equal(4, picks.Count);
        Assert.All(picks.Values, count => Assert.Equal(100, count));
    }

    [Fact]
    public void Nothing_available_picks_nothing() =>
        Assert.Null(new CoreAwarePolicy(_cluster.Catalog).Pick([], static _ => true));

    private DestinationState? Pick(CoreAwarePolicy policy) => policy.Pick(_cluster.Destinations, static _ => true);
}
