namespace ClusterAspire.Bench;

/// <summary>What garbage collections of an allocation-heavy /slow cost /fast: one process against a replica on each core.</summary>
internal sealed class CollectionScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "gc";

    /// <inheritdoc/>
    public string Title => "What does an allocation-heavy /slow cost /fast?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (5, 2);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        IPeer[] peers =
        [
            DotnetPeer.Server(Systems.OneProcess, BenchServer.Allocating),
            new FrontedPeer(
                Systems.Cluster,
                core => DotnetPeer.Server("allocating replica", BenchServer.Allocating, core),
                replicas => new LoadBalancerPeer("load balancer", replicas)),
        ];
        run.Expect(2 * peers.Length);
        foreach (var heavy in new[] { 0, 1 })
        {
            foreach (var peer in peers)
            {
                var @case = heavy == 0 ? "idle" : "1 × allocating /slow";
                run.Step($"{peer.Name}, {@case}");
                if (await run.StartAsync(peer, cancellationToken) is not { } running)
                {
                    continue;
                }

                var report = await Load.RunAsync(
                    new LoadPlan(
                        running.Url,
                        WarmUpSeconds: 1,
                        run.Seconds,
                        DrainSeconds: 10,
                        new OpenLoad("/fast", run.Options.Rate),
                        heavy == 0 ? null : new ClosedLoad("/slow", heavy)),
                    cancellationToken);
                run.Add(peer.Name, @case, Latencies.FromPairs(report.Open!.Latencies));
            }
        }
    }
}
