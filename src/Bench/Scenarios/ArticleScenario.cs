namespace ClusterAspire.Bench;

/// <summary>The article's experiment: /fast at a steady rate while /slow keeps cores busy.</summary>
internal sealed class ArticleScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "article";

    /// <inheritdoc/>
    public string Title => "How long does /fast take while /slow runs?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (4, 2);

    /// <summary>The case's name for so many concurrent /slow.</summary>
    public static string Case(int slow) => slow == 0 ? "idle" : $"{slow} × /slow";

    /// <summary>With how many concurrent /slow every core has work, and more waits.</summary>
    public static int Saturated => 4 * Cores.Count;

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        IPeer[] peers =
        [
            NodePeer.Single,
            NodePeer.Cluster,
            .. NodePeer.Pm2Unless(run.Options.Quick),
            DotnetPeer.Server(Systems.OneProcessThreadPool, BenchServer.ThreadPool),
            DotnetPeer.Service(Systems.OneProcess),
            .. run.Options.Quick ? Array.Empty<IPeer>() :
            [
                new FrontedPeer(
                    Systems.YarpThreadPool,
                    core => DotnetPeer.Server("thread-pool replica", BenchServer.ThreadPool, core),
                    replicas => YarpPeer.Before(replicas, "LeastRequests")),
                DotnetPeer.Service(Systems.OneReplica, Cores.Numbers[0]),
            ],
            Systems.ProductCluster,
        ];
        int[] levels = run.Options.Quick ? [0, Saturated] : [.. new[] { 0, 1, Cores.Count, Saturated }.Distinct()];
        run.Expect(levels.Length * peers.Length);

        foreach (var slow in levels)
        {
            foreach (var peer in peers)
            {
                run.Step($"{peer.Name}, {Case(slow)}");
                if (await run.StartAsync(peer, cancellationToken) is not { } running)
                {
                    continue;
                }

                var report = await Load.RunAsync(
                    new LoadPlan(
                        running.Url,
                        WarmUpSeconds: 1,
                        run.Seconds,
                        DrainSeconds: run.Options.Quick ? 2 : 6,
                        new OpenLoad("/fast", run.Options.Rate),
                        slow == 0 ? null : new ClosedLoad($"/slow?iterations={run.Options.Iterations}", slow)),
                    cancellationToken);

                run.Add(peer.Name, Case(slow), Latencies.FromPairs(report.Open!.Latencies));
                run.Add(peer.Name, Case(slow), "failed", report.Open.Failed, "requests");
                run.Add(peer.Name, Case(slow), "unanswered", report.Open.Unanswered, "requests");
                if (slow > 0 && peer.FinishesAbandonedWork)
                {
                    await run.StopAsync(peer);
                }
            }
        }
    }
}
