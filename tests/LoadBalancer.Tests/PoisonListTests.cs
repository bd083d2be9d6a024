using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class PoisonListTests
{
    private static readonly RequestTarget Target = new("all", 42);

    private readonly FakeTimeProvider _time = new();
    private readonly TestCluster _cluster;
    private readonly PoisonList _poison;

    public PoisonListTests()
    {
        _cluster = new(3, _time);
        _poison = new(new BalancerEvents(_time), _time, NullLogger<PoisonList>.Instance);
        _time.Advance(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void What_ended_two_replicas_one_after_the_other_is_refused_for_a_minute()
    {
        Kill(0);
        Assert.False(IsRefused());
        Kill(1);
        Assert.True(IsRefused());

        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(IsRefused());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(IsRefused());
    }

    [Fact]
    public void Another_target_is_not()
    {
        Kill(0);
        Kill(1);
        Assert.False(_poison.Contains(Target with { Hash = 43 }, () => ""));
    }

    [Fact]
    public void A_target_that_was_answered_within_a_minute_is_innocent()
    {
        _poison.Answered(Target);
        Kill(0);
        Kill(1);
        Assert.False(IsRefused());

        _time.Advance(TimeSpan.FromSeconds(62));
        Kill(0);
        Kill(1);
        Assert.True(IsRefused());
        // One that was on its way is answered after all.
        _poison.Answered(Target);
        Assert.False(IsRefused());
    }

    [Fact]
    public void Requests_that_were_on_their_way_before_the_first_death_count_once()
    {
        var sentAt = Now();
        Kill(0, sentAt);
        Kill(1, sentAt);
        Assert.False(IsRefused());
    }

    [Fact]
    public void A_replica_dies_once_however_many_of_its_connections_break()
    {
        _poison.Broke(Target, _cluster[0], _cluster[0].Run, Now());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        // Sent after the first was seen to break, and before the replica was known to be gone.
        var sentAt = Now();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _poison.Broke(Target, _cluster[0], _cluster[0].Run, sentAt);
        Assert.False(IsRefused());
    }

    [Fact]
    public void A_replica_that_answers_as_the_same_process_has_not_died()
    {
        var started = DateTimeOffset.UnixEpoch;
        _cluster[0].Serves(new ReplicaHealth(StartedAt: started));
        _poison.Broke(Target, _cluster[0], _cluster[0].Run, Now());
        Kill(1);
        Assert.True(IsRefused());

        _time.Advance(TimeSpan.FromMilliseconds(1));
        _cluster[0].Serves(new ReplicaHealth(StartedAt: started));
        _cluster[0].Answered(Now(), Now());
        Assert.False(IsRefused());
    }

    [Fact]
    public void An_answer_that_comes_late_to_what_was_sent_before_it_died_proves_nothing()
    {
        var probed = Now();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _poison.Broke(Target, _cluster[0], _cluster[0].Run, Now());
        Kill(1);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _cluster[0].Answered(probed, Now());
        Assert.True(IsRefused());
    }

    [Fact]
    public void One_that_answers_as_another_process_has()
    {
        _cluster[0].Serves(new ReplicaHealth(StartedAt: DateTimeOffset.UnixEpoch));
        _poison.Broke(Target, _cluster[0], _cluster[0].Run, Now());
        Kill(1);
        _cluster[0].Serves(new ReplicaHealth(StartedAt: DateTimeOffset.UnixEpoch.AddSeconds(1)));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _cluster[0].Answered(Now(), Now());
        Assert.True(IsRefused());
    }

    private bool IsRefused() => _poison.Contains(Target, () => "GET /");

    private long Now() => _time.GetTimestamp();

    private void Kill(int replica, long? sentAt = null)
    {
        _time.Advance(TimeSpan.FromMilliseconds(1));
        var sent = sentAt ?? Now();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _poison.Broke(Target, _cluster[replica], _cluster[replica].Run, sent);
        _cluster[replica].IsGone();
    }
}
