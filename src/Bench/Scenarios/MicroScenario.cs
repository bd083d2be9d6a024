namespace ClusterAspire.Bench;

/// <summary>What single steps of the request path cost, by BenchmarkDotNet.</summary>
internal sealed class MicroScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "picking";

    /// <inheritdoc/>
    public string Title => "What do picking a replica and recording a request cost?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (1, 1);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        run.Expect(1);
        run.Step("BenchmarkDotNet");
        foreach (var cost in await MicroBenchmarks.RunAsync(run.Folders, run.Options.Quick, cancellationToken))
        {
            run.Add(cost.Step, cost.Case, "time", cost.Nanoseconds, "ns");
            run.Add(cost.Step, cost.Case, "allocated", cost.Bytes, "B");
        }
    }
}
