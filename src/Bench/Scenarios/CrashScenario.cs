using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>What a crash takes with it: one process with all cores against a replica on each, both supervised.</summary>
internal sealed class CrashScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "crash";

    /// <inheritdoc/>
    public string Title => "How many requests does one crash cost?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (8, 4);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        IPeer[] peers = [new RunnerPeer("ClusterAspire, one process", replicas: 1, pin: false), Systems.ProductCluster];
        run.Expect(peers.Length);
        foreach (var peer in peers)
        {
            run.Step(peer.Name);
            if (await run.StartAsync(peer, cancellationToken) is not { } running)
            {
                continue;
            }

            var load = Load.RunAsync(
                new LoadPlan(
                    running.Url,
                    WarmUpSeconds: 1,
                    run.Seconds,
                    DrainSeconds: 10,
                    new OpenLoad("/fast", run.Options.Rate),
                    new ClosedLoad("/slow?iterations=500000000", Cores.Count)),
                cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(1 + (run.Seconds / 3)), cancellationToken);
            var killed = Stopwatch.GetTimestamp();
            Signal.Kill((await running.Workers())[0].Pid);
            var report = await load;

            run.Add(peer.Name, "one crash", "failed /fast", report.Open!.Failed, "requests");
            run.Add(peer.Name, "one crash", "failed /slow", report.Closed!.Failed, "requests");
            run.Add(peer.Name, "one crash", "longest silence", report.Open.LongestSilence, "ms");
            run.Add(peer.Name, "one crash", Latencies.FromPairs(report.Open.Latencies));
            run.Add(peer.Name, [Stopwatch.GetElapsedTime(report.RecordingSince, killed).TotalSeconds], report.Open);
            await run.StopAsync(peer);
        }
    }
}
