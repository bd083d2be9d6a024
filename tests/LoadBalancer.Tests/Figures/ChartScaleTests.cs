using ClusterAspire.LoadBalancer.Live;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Figures;

public sealed class ChartScaleTests
{
    [Theory]
    [InlineData(0, "0 1")]
    [InlineData(1, "0 1")]
    [InlineData(3, "0 1 2 3")]
    [InlineData(7, "0 2 4 6 8")]
    [InlineData(100, "0 20 40 60 80 100")]
    [InlineData(101, "0 50 100 150")]
    [InlineData(4321, "0 1,000 2,000 3,000 4,000 5,000")]
    public void A_linear_axis_ends_at_a_round_number_above_every_value(double highest, string ticks)
    {
        var scale = ChartScale.Linear(highest);

        Assert.Equal(ticks.Split(' '), scale.Ticks);
        Assert.InRange(scale.Place(highest), scale.Bottom, scale.Top);
    }

    [Theory]
    [InlineData(0.01, "0.1 ms")]
    [InlineData(0.1, "0.1 ms")]
    [InlineData(10, "10 ms")]
    [InlineData(100_000, "100 s")]
    [InlineData(600_000, "100 s")]
    public void A_latency_stands_at_its_label(double milliseconds, string label)
    {
        var scale = ChartScale.Latency;
        var tick = (scale.Place(milliseconds) - scale.Bottom) / (scale.Top - scale.Bottom) * (scale.Ticks.Count - 1);

        Assert.Equal(label, scale.Ticks[(int)Math.Round(tick)]);
    }
}
