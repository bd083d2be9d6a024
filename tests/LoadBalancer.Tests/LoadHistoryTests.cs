using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class LoadHistoryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Upstream _replica;
    private readonly long _first;

    public LoadHistoryTests()
    {
        _replica = new TestCluster(1, _time)[0];
        _first = LatencyHistory.SecondAt(_time);
    }

    [Fact]
    public void A_seconds_load_is_the_share_of_it_that_slots_were_in_use()
    {
        Pass(0.300);
        _replica.TakeSlot();
        Pass(0.125);
        _replica.FreeSlot();
        Pass(0.100);
        _replica.TakeSlot();
        Pass(0.125);
        _replica.FreeSlot();
        Pass(0.350);

        Assert.Equal(0.25, _replica.Load(_first));
    }

    [Fact]
    public void What_lasts_for_seconds_counts_in_each_though_nobody_looked()
    {
        Pass(0.750);
        _replica.TakeSlot();
        Pass(3);
        _replica.FreeSlot();
        Pass(5);

        Assert.Equal([0.25, 1, 1, 0.75, 0, 0, 0, 0], Enumerable.Range(0, 8).Select(i => _replica.Load(_first + i)));
    }

    [Fact]
    public void What_is_still_in_use_counts_until_now()
    {
        _replica.TakeSlot();
        Pass(0.5);
        Assert.Equal(0.5, _replica.Load(_first));
        Pass(0.5);
        Assert.Equal(1, _replica.Load(_first));
    }

    [Fact]
    public void Each_slot_counts_for_its_share()
    {
        _replica.Serves(new ReplicaHealth(Cores: 4));
        _replica.TakeSlot();
        Pass(0.5);
        _replica.TakeSlot();
        Pass(0.5);

        Assert.Equal(0.375, _replica.Load(_first));
    }

    [Fact]
    public void More_in_use_than_there_are_is_all_of_them()
    {
        _replica.Serves(new ReplicaHealth(Cores: 2));
        _replica.TakeSlot();
        _replica.TakeSlot();
        _replica.Serves(new ReplicaHealth(Cores: 1));
        Pass(0.5);
        _replica.FreeSlot();
        _replica.FreeSlot();
        Pass(0.5);

        Assert.Equal(0.5, _replica.Load(_first));
    }

    [Fact]
    public void After_a_minute_that_nobody_looked_the_last_seconds_are_right()
    {
        _replica.TakeSlot();
        Pass(60.5);

        Assert.All(Enumerable.Range(50, 10), i => Assert.Equal(1, _replica.Load(_first + i)));
        Assert.Equal(0.5, _replica.Load(_first + 60));
        Assert.Equal(0, _replica.Load(_first));
    }

    private void Pass(double seconds) => _time.Advance(TimeSpan.FromSeconds(seconds));
}
