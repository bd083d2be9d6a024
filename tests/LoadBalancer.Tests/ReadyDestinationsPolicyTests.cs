using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Discovery;
using Xunit;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class ReadyDestinationsPolicyTests
{
    private readonly TestCluster _cluster = new(4);

    [Fact]
    public void While_half_of_them_serve_those_that_look_ill_are_left_out()
    {
        Serve(0, 1, 2, 3);
        Silence(0, 1);
        Assert.Equal(["replica-2", "replica-3"], InRotation());
    }

    [Fact]
    public void When_most_look_ill_all_are_used()
    {
        Serve(0, 1, 2, 3);
        Silence(0, 1);
        _cluster[2].Refuses(new ReplicaHealth("Unhealthy"));
        Assert.Equal(["replica-0", "replica-1", "replica-2", "replica-3"], InRotation());

        Silence(2, 3);
        Assert.Equal(4, InRotation().Count());
    }

    [Fact]
    public void Those_that_refuse_connections_drain_or_have_not_served_yet_are_not_ill()
    {
        Serve(0, 1, 2);
        _cluster[0].IsGone();
        _cluster[1].Refuses(new ReplicaHealth(ReplicaHealth.Draining));
        _cluster[3].Refuses(new ReplicaHealth("Unhealthy"));
        Assert.Equal(["replica-2"], InRotation());

        _cluster[2].IsGone();
        Assert.Empty(InRotation());
    }

    [Fact]
    public void A_replica_that_nobody_has_asked_yet_gets_requests_only_where_no_other_serves()
    {
        Assert.Equal(["replica-0", "replica-1", "replica-2", "replica-3"], InRotation());

        _cluster[1].Serves(new());
        Assert.Equal(["replica-1"], InRotation());

        _cluster[1].IsGone();
        Assert.Equal(["replica-0", "replica-2", "replica-3"], InRotation());
    }

    [Fact]
    public void A_replica_told_to_end_gets_requests_only_where_no_other_has_answered()
    {
        DestinationState leaving = new("leaving", new(new DestinationConfig { Address = "http://127.0.0.1:999" }.AsTerminating()));
        DestinationState[] destinations = [leaving, .. _cluster.Destinations];
        _cluster.Catalog[leaving].Serves(new());
        Assert.Equal(ReplicaState.Draining, _cluster.Catalog[leaving].State);
        Assert.Equal(["leaving"], InRotation(destinations));

        _cluster[0].Serves(new());
        Assert.Equal(["replica-0"], InRotation(destinations));

        _cluster[0].IsGone();
        Assert.Equal(["leaving"], InRotation(destinations));
    }

    private void Serve(params int[] replicas) => Array.ForEach(replicas, i => _cluster[i].Serves(new ReplicaHealth("Healthy")));

    private void Silence(params int[] replicas) => Array.ForEach(replicas, i => _cluster[i].BecomesSilent());

    private IEnumerable<string> InRotation(IReadOnlyList<DestinationState>? destinations = null) =>
        new ReadyDestinationsPolicy(_cluster.Catalog).Of(destinations ?? _cluster.Destinations).Select(destination => destination.DestinationId).Order();
}
