using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class CrashLoopTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly CrashLoop _crashes;

    public CrashLoopTests() => _crashes = new(_time);

    [Fact]
    public void Five_ends_in_a_row_make_one_that_is_tried_each_minute()
    {
        Assert.Equal([100, 200, 400, 800], Enumerable.Range(0, 4).Select(_ => _crashes.Ended().TotalMilliseconds));
        Assert.False(_crashes.IsLooping);

        Assert.Equal([60, 60], Enumerable.Range(0, 2).Select(_ => _crashes.Ended().TotalSeconds));
        Assert.True(_crashes.IsLooping);
    }

    [Fact]
    public void One_that_gets_ready_each_time_is_one_too_and_away_no_longer_than_before()
    {
        for (var i = 0; i < 12; i++)
        {
            _crashes.Healthy();
            Assert.InRange(_crashes.Ended(), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        }

        Assert.True(_crashes.IsLooping);
        _crashes.Healthy();
        Assert.False(_crashes.IsLooping);
    }

    [Fact]
    public void Thirty_seconds_of_health_end_it()
    {
        for (var i = 0; i < 6; i++)
        {
            _crashes.Ended();
        }

        _crashes.Healthy();
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(100, _crashes.Ended().TotalMilliseconds);
        Assert.Equal((1, false), (_crashes.Ends, _crashes.IsLooping));
    }
}
