using Xunit;

namespace ClusterAspire.Bench.Tests;

/// <summary>BenchmarkDotNet runs these late in a long run, so that they work is found out here.</summary>
public sealed class MicroBenchmarkTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RecordingIsSetUp(bool listening)
    {
        using var benchmark = new TelemetryBenchmark();
        (listening ? (Action)benchmark.SetUpListening : benchmark.SetUp)();
        benchmark.History();
        (listening ? (Action)benchmark.Heard : benchmark.Unheard)();
    }
}
