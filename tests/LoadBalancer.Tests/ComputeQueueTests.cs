using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class ComputeQueueTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly TestCluster _cluster;
    private readonly ComputeQueue _queue;

    public ComputeQueueTests()
    {
        _cluster = new TestCluster(2, _time);
        _queue = Queue(_cluster);
    }

    [Fact]
    public async Task A_replica_never_has_two_compute_requests_while_another_has_none()
    {
        var first = await AcquireAsync();
        var second = await AcquireAsync();
        Assert.NotSame(first!.Destination, second!.Destination);
        Assert.False(AcquireAsync().IsCompleted);
    }

    [Fact]
    public async Task Requests_leave_the_queue_in_the_order_they_came()
    {
        var (first, _) = (await AcquireAsync(), await AcquireAsync());
        var (third, fourth) = (AcquireAsync(), AcquireAsync());

        first!.Dispose();
        var slot = await third;
        Assert.Same(first.Destination, slot!.Destination);
        Assert.False(fourth.IsCompleted);

        slot.Dispose();
        Assert.Same(first.Destination, (await fourth)!.Destination);
    }

    [Fact]
    public async Task A_request_that_already_failed_elsewhere_goes_first()
    {
        var (first, _) = (await AcquireAsync(), await AcquireAsync());
        var patient = AcquireAsync();
        var retried = AcquireAsync(first: true);

        first!.Dispose();
        Assert.NotNull(await retried);
        Assert.False(patient.IsCompleted);
    }

    [Fact]
    public async Task A_full_queue_refuses()
    {
        await FillAsync(waiting: 2);
        Assert.Null(await AcquireAsync());
        Assert.Equal(2, _queue.Length);
    }

    [Fact]
    public async Task A_request_that_had_its_turn_is_not_refused_by_a_full_queue()
    {
        await FillAsync(waiting: 2);
        var retried = AcquireAsync(first: true);
        Assert.False(retried.IsCompleted);
        Assert.Equal(3, _queue.Length);
    }

    [Fact]
    public async Task Whoever_is_back_takes_from_the_queue_before_the_proxy_knows()
    {
        var cluster = new TestCluster(4, _time, ReadyDestinationsPolicy.PolicyName);
        cluster.Rotation();
        for (var i = 0; i < 4; i++)
        {
            cluster[i].IsGone();
        }

        var queue = Queue(cluster);
        var waiting = Enumerable.Range(0, 2).Select(_ => queue.AcquireAsync(new(cluster.State, null, []), first: false, default).AsTask()).ToList();
        Assert.DoesNotContain(waiting, wait => wait.IsCompleted);

        // YARP's list of available destinations is still empty.
        cluster[2].Serves(new ReplicaHealth());
        queue.Offer(cluster.State);
        Assert.Same(cluster.Destinations[2], (await waiting[0])!.Destination);
        Assert.False(waiting[1].IsCompleted);
    }

    [Fact]
    public async Task A_replica_whose_lane_is_stuck_gets_nothing_until_it_goes_on()
    {
        _cluster.Rotation(_cluster.Destinations[0]);
        _cluster[0].Serves(new ReplicaHealth(Lane: new(1, 0, 100, IsStuck: true)));
        var waiting = AcquireAsync();
        Assert.False(waiting.IsCompleted);

        Assert.True(_cluster[0].Serves(new ReplicaHealth(Lane: new(0, 0, null, IsStuck: false))));
        _queue.Offer(_cluster.State);
        Assert.NotNull(await waiting);
    }

    [Fact]
    public async Task Waiting_longer_than_the_limit_ends_with_a_timeout_and_frees_the_place()
    {
        await FillAsync(waiting: 0);
        var waiting = AcquireAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<TimeoutException>(() => waiting);
        Assert.Equal(0, _queue.Length);
    }

    [Fact]
    public async Task A_client_that_leaves_gives_its_place_up()
    {
        await FillAsync(waiting: 0);
        using var client = new CancellationTokenSource();
        var waiting = AcquireAsync(cancellationToken: client.Token);
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(0, _queue.Length);
    }

    [Fact]
    public async Task A_replica_out_of_rotation_gets_nothing_and_takes_from_the_queue_when_it_is_back()
    {
        _cluster.Rotation(_cluster.Destinations[0]);
        Assert.Same(_cluster.Destinations[0], (await AcquireAsync())!.Destination);
        var waiting = AcquireAsync();
        Assert.False(waiting.IsCompleted);

        _cluster.Rotation(_cluster.Destinations);
        _queue.Offer(_cluster.State);
        Assert.Same(_cluster.Destinations[1], (await waiting)!.Destination);
    }

    [Fact]
    public async Task Releasing_a_lease_twice_frees_one_slot()
    {
        var (first, _) = (await AcquireAsync(), await AcquireAsync());
        first!.Dispose();
        first.Dispose();
        Assert.NotNull(await AcquireAsync());
        Assert.False(AcquireAsync().IsCompleted);
    }

    [Fact]
    public async Task A_replica_with_two_cores_takes_two_compute_requests()
    {
        _cluster.Rotation(_cluster.Destinations[0]);
        _cluster[0].Serves(new ReplicaHealth(Cores: 2));
        await FillAsync(waiting: 0);
        Assert.Equal(2, _cluster[0].ComputeInFlight);
        Assert.False(AcquireAsync().IsCompleted);
    }

    private ComputeQueue Queue(TestCluster cluster) => new(
        cluster.Catalog,
        new CoreAwarePolicy(cluster.Catalog),
        new ReadyDestinationsPolicy(cluster.Catalog),
        Options.Create(new LoadBalancerOptions { ComputeQueueLimit = 2, ComputeQueueTimeout = 5 }),
        _time);

    private async Task FillAsync(int waiting)
    {
        Assert.NotNull(await AcquireAsync());
        Assert.NotNull(await AcquireAsync());
        for (var i = 0; i < waiting; i++)
        {
            Assert.False(AcquireAsync().IsCompleted);
        }
    }

    private Task<ComputeLease?> AcquireAsync(bool first = false, CancellationToken cancellationToken = default) =>
        _queue.AcquireAsync(new ComputeWait(_cluster.State, null, []), first, cancellationToken).AsTask();
}
