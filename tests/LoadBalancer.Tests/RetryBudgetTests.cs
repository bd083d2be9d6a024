using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.Replica.Draining;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class RetryBudgetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Ten_retries_a_second_are_always_allowed() => Assert.Equal(100, Drain(Budget(0.2, 10)));

    [Fact]
    public void A_fifth_of_recent_requests_may_be_retried()
    {
        var budget = Budget(0.2, 0);
        for (var i = 0; i < 500; i++)
        {
            budget.Deposit();
        }

        Assert.Equal(100, Drain(budget));
    }

    [Fact]
    public void What_was_spent_comes_back_after_ten_seconds()
    {
        var budget = Budget(0.2, 1);
        Assert.Equal(10, Drain(budget));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(0, Drain(budget));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, Drain(budget));
    }

    [Fact]
    public void Requests_older_than_ten_seconds_do_not_count()
    {
        var budget = Budget(1, 0);
        budget.Deposit();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, Drain(budget));
    }

    private RetryBudget Budget(double ratio, int minPerSecond) =>
        new(Options.Create(new LoadBalancerOptions { RetryRatio = ratio, RetryMinPerSecond = minPerSecond }), _time);

    private static int Drain(RetryBudget budget)
    {
        var retries = 0;
        while (budget.TryWithdraw())
        {
            retries++;
        }

        return retries;
    }
}
