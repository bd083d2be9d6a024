namespace ClusterAspire.Bench;

/// <summary>How much of each further core reaches /slow.</summary>
internal sealed class ScalingScenario : IScenario
{
    /// <summary>The figure's name.</summary>
    public const string Efficiency = "efficiency per core";

    // About 0.1 s: much longer than balancing takes, much shorter than the measurement.
    private const string Slow = "/slow?iterations=200000000";

    /// <inheritdoc/>
    public string Name => "scaling";

    /// <inheritdoc/>
    public string Title => "How much /slow do more replicas get done?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (2, 1.5);

    /// <summary>The numbers of replicas that are compared: powers of two, and all cores.</summary>
    public static IReadOnlyList<int> Counts { get; } =
        [.. Enumerable.Range(0, 16).Select(power => 1 << power).Where(count => count < Cores.Count), Cores.Count];

    /// <summary>The case's name for so many replicas.</summary>
    public static string Case(int replicas) => replicas == 1 ? "1 replica" : $"{replicas} replicas";

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        (string System, int Replicas, IPeer Peer)[] cells =
        [
            .. Counts.Select(count => (Systems.Cluster, count, (IPeer)new RunnerPeer($"{Systems.Cluster}, {Case(count)}", count))),
            .. (run.Options.Quick ? [] : Counts).Select(count => ("Node cluster", count, (IPeer)NodePeer.Clustered($"Node cluster, {Case(count)}", count))),
        ];
        // Many short rounds: a virtual core's speed can halve and double within a minute, and both cases must see the same changes.
        var rounds = run.Options.Quick ? 5 : 8;
        run.Expect(rounds * cells.Length);

        var rates = cells.ToDictionary(cell => (cell.System, cell.Replicas), _ => new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (system, replicas, peer) in cells)
            {
                run.Step($"{peer.Name}, round {round + 1}");
                if (await run.StartAsync(peer, cancellationToken) is { } running)
                {
                    var plan = new LoadPlan(running.Url, WarmUpSeconds: 0.5, run.Seconds, DrainSeconds: 30, Closed: new ClosedLoad(Slow, 2 * replicas));
                    rates[(system, replicas)].Add((await Load.RunAsync(plan, cancellationToken)).Closed!.PerSecond);
                }
            }
        }

        foreach (var ((system, replicas), measured) in rates.Where(entry => entry.Value.Count > 0))
        {
            var one = rates[(system, 1)];
            run.Add(system, Case(replicas), "throughput", Statistics.Median(measured), "/slow per second");
            // The ratio within each round, so that a change of the machine's speed has no effect.
            run.Add(system, Case(replicas), Efficiency, Statistics.Median(measured.Zip(one, (many, single) => many / (replicas * single))));
        }
    }
}
