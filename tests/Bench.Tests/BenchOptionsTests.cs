using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class BenchOptionsTests
{
    private static readonly string[] Names = ["article", "kills"];

    [Fact]
    public void Defaults_are_valid() => new BenchOptions().Validate(Names);

    [Fact]
    public void An_unknown_scenario_is_named() =>
        Assert.Contains("no scenario atricle", Rejected(options => options.Seconds["atricle"] = 5), StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(601)]
    [InlineData(double.NaN)]
    public void Seconds_have_bounds(double seconds) =>
        Assert.Contains("from 1 to 600", Rejected(options => options.Seconds["article"] = seconds), StringComparison.Ordinal);

    [Fact]
    public void The_rate_has_bounds() => Assert.Contains("10000", Rejected(options => options.Rate = 20_000), StringComparison.Ordinal);

    private static string Rejected(Action<BenchOptions> change)
    {
        var options = new BenchOptions();
        change(options);
        return Assert.Throws<BenchException>(() => options.Validate(Names)).Message;
    }
}
