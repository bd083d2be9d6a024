using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class BackoffTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Backoff _backoff;

    public BackoffTests() => _backoff = new(_time);

    [Fact]
    public void It_doubles_from_100_ms_to_10_s() =>
        Assert.Equal(
            [100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000],
            Enumerable.Range(0, 9).Select(_ => _backoff.Next().TotalMilliseconds));

    [Fact]
    public void Thirty_seconds_of_health_make_it_forget()
    {
        _backoff.Next();
        _backoff.Next();
        _backoff.Healthy();
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal([100, 200], [_backoff.Next().TotalMilliseconds, _backoff.Next().TotalMilliseconds]);
    }

    [Fact]
    public void The_first_restart_of_what_was_healthy_can_be_at_once()
    {
        var backoff = new Backoff(_time, atOnce: true);
        double Next(bool wasHealthy)
        {
            if (wasHealthy)
            {
                backoff.Healthy();
            }

            return backoff.Next().TotalMilliseconds;
        }

        Assert.Equal([0, 100, 200, 400], [Next(true), Next(true), Next(false), Next(true)]);
        backoff.Healthy();
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal([0, 100], [Next(false), Next(false)]);
    }

    [Fact]
    public void What_was_never_healthy_waits_all_the_same() =>
        Assert.Equal(100, new Backoff(_time, atOnce: true).Next().TotalMilliseconds);

    [Fact]
    public void Less_health_does_not()
    {
        _backoff.Next();
        _backoff.Healthy();
        _time.Advance(TimeSpan.FromSeconds(29.9));

        Assert.Equal(200, _backoff.Next().TotalMilliseconds);
    }

    [Fact]
    public void Time_without_health_does_not_count()
    {
        _backoff.Healthy();
        _backoff.Next();
        _time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(200, _backoff.Next().TotalMilliseconds);
    }
}
