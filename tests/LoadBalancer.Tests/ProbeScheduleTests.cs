using ClusterAspire.LoadBalancer.Health;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class ProbeScheduleTests
{
    private readonly ProbeSchedule _schedule = new(spacing: 0);

    [Fact]
    public void One_probe_at_a_time()
    {
        Assert.True(_schedule.TryBegin(now: 1));
        Assert.False(_schedule.TryBegin(now: 2));
    }

    [Fact]
    public void The_next_one_begins_when_it_is_due()
    {
        _schedule.TryBegin(now: 1);
        _schedule.End(due: 10);

        Assert.False(_schedule.TryBegin(now: 9));
        Assert.True(_schedule.TryBegin(now: 10));
    }

    [Fact]
    public void A_suspicion_between_two_probes_brings_the_next_one_forward()
    {
        _schedule.TryBegin(now: 1);
        _schedule.End(due: 10);
        _schedule.MakeDue();

        Assert.True(_schedule.TryBegin(now: 2));
    }

    [Fact]
    public void A_suspicion_during_a_probe_outlives_it()
    {
        _schedule.TryBegin(now: 1);
        _schedule.MakeDue();
        Assert.False(_schedule.TryBegin(now: 2));
        _schedule.End(due: 10);

        Assert.True(_schedule.TryBegin(now: 3));
    }

    [Fact]
    public void Many_suspicions_are_one_probe_in_the_time_between_two()
    {
        var schedule = new ProbeSchedule(spacing: 5);
        Assert.True(schedule.TryBegin(now: 10));
        schedule.End(due: 100);
        schedule.MakeDue();

        Assert.False(schedule.TryBegin(now: 14));
        Assert.True(schedule.TryBegin(now: 15));
    }

    [Fact]
    public void Nothing_is_due_while_a_probe_runs()
    {
        _schedule.TryBegin(now: 1);
        _schedule.MakeDue();
        Assert.Equal(long.MaxValue, _schedule.Due);

        _schedule.End(due: 10);
        Assert.InRange(_schedule.Due, 0, 1);
    }
}
