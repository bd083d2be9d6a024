using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class LatencyHistoryTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Percentiles_are_right_to_one_percent()
    {
        var history = new LatencyHistory(_time);
        for (var milliseconds = 1; milliseconds <= 1000; milliseconds++)
        {
            history.Record(TimeSpan.FromMilliseconds(milliseconds));
        }

        var figures = history.Last10Seconds();
        Assert.Equal(1000, figures.Count);
        Assert.InRange(figures.P50!.Value, 495, 505);
        Assert.InRange(figures.P95!.Value, 940, 960);
        Assert.InRange(figures.P99!.Value, 980, 1000);
    }

    [Fact]
    public void Each_window_forgets_what_is_older()
    {
        var history = new LatencyHistory(_time);
        history.Record(TimeSpan.FromMilliseconds(1));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal((0, 1, 1), Counts(history));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal((0, 0, 1), Counts(history));
        Assert.Null(history.Last10Seconds().P99);
    }

    [Fact]
    public void A_slice_used_again_starts_empty()
    {
        var history = new LatencyHistory(_time);
        for (var second = 0; second < 100; second++)
        {
            history.Record(TimeSpan.FromMilliseconds(second));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var (ten, minute, all) = Counts(history);
        Assert.InRange(ten, 9, 10);
        Assert.InRange(minute, 50, 60);
        Assert.Equal(100, all);
    }

    private static (long Ten, long Minute, long All) Counts(LatencyHistory history) =>
        (history.Last10Seconds().Count, history.LastMinute().Count, history.SinceStart().Count);
}
