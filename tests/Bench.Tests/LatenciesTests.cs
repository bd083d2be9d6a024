using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class LatenciesTests
{
    [Fact]
    public void Percentiles_are_latencies_that_so_many_requests_do_not_exceed()
    {
        var latencies = OneToHundred();

        Assert.Equal(50, latencies.Percentile(50), 0.1);
        Assert.Equal(99, latencies.Percentile(99), 0.1);
        Assert.Equal(100, latencies.Percentile(100), 0.2);
    }

    [Fact]
    public void Pairs_carry_a_distribution_to_another_process()
    {
        var sent = OneToHundred();

        var received = Latencies.FromPairs(sent.ToPairs());
        received.Add(sent.ToPairs());

        Assert.Equal(200, received.Count);
        Assert.All(new[] { 1.0, 50, 99, 100 }, percentile => Assert.Equal(sent.Percentile(percentile), received.Percentile(percentile), 0.1));
    }

    [Fact]
    public void No_requests_have_no_percentile() => Assert.Equal(double.NaN, new Latencies().Percentile(99));

    private static Latencies OneToHundred()
    {
        var latencies = new Latencies();
        for (var milliseconds = 1; milliseconds <= 100; milliseconds++)
        {
            latencies.Add(TimeSpan.FromMilliseconds(milliseconds));
        }

        return latencies;
    }
}
