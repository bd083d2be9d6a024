namespace ClusterAspire.Bench;

/// <summary>How soon it serves, in how much memory, and how soon a replica that was killed does again.</summary>
internal sealed class StartScenario : IScenario
{
    /// <summary>The figure's name.</summary>
    public const string Resident = "resident memory per replica";

    // After this time the system's other processes have started too.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public string Name => "start";

    /// <inheritdoc/>
    public string Title => "How soon does it serve, again after a kill, and in how much memory?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (2, 1);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        IPeer[] peers =
        [
            Systems.ProductCluster,
            new RunnerPeer(Systems.ClusterWithAot, Systems.Replicas, aot: true),
            new RunnerPeer(Systems.ClusterWithStandby, Systems.Replicas, standby: true),
            NodePeer.Clustered("Node cluster", Systems.Replicas),
            .. NodePeer.Pm2Unless(run.Options.Quick),
            DotnetPeer.Service(Systems.OneProcess),
        ];
        var rounds = run.Options.Quick ? 1 : 3;
        run.Expect(rounds * peers.Length);

        var starts = peers.ToDictionary(peer => peer.Name, _ => new List<double>());
        var memory = peers.ToDictionary(peer => peer.Name, _ => new List<(double Resident, double Proportional)>());
        var total = peers.ToDictionary(peer => peer.Name, _ => new List<double>());
        var replaced = peers.ToDictionary(peer => peer.Name, _ => new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var peer in peers)
            {
                run.Step($"{peer.Name}, round {round + 1}");
                if (await run.StartAsync(peer, cancellationToken, warmUp: false) is not { } running)
                {
                    continue;
                }

                starts[peer.Name].Add(running.StartTime.TotalMilliseconds);
                // Every system gets the same number of requests, because memory grows with requests.
                await Load.RunAsync(
                    new LoadPlan(running.Url, 0, run.Seconds, 5, new OpenLoad("/fast", 2000)), cancellationToken);
                if (ProcessTree.IsReadable)
                {
                    await Task.Delay(Settling, cancellationToken);
                    total[peer.Name].Add(running.Memory);
                    var workers = await running.Workers();
                    memory[peer.Name].AddRange(workers.Select(worker => ProcessTree.Memory(worker.Pid)));
                    // Each replica once: one that is killed repeatedly is restarted later each time.
                    foreach (var victim in workers.Count > 1 ? workers : [])
                    {
                        if (await Replacement.AfterKillAsync(running, victim, await running.Workers(), cancellationToken) is { } after)
                        {
                            replaced[peer.Name].Add(after.TotalMilliseconds);
                        }
                    }
                }

                await run.StopAsync(peer);
            }
        }

        foreach (var system in peers.Select(peer => peer.Name))
        {
            run.Add(system, "", "first 200 after", Statistics.Median(starts[system]), "ms");
            run.Add(system, "", Replacement.Figure, Statistics.Median(replaced[system]), "ms");
            run.Add(system, "", Resident, Statistics.Median(memory[system].Select(measured => measured.Resident)), "MB");
            run.Add(system, "", "proportional memory per replica", Statistics.Median(memory[system].Select(measured => measured.Proportional)), "MB");
            run.Add(system, "", "memory of all its processes", Statistics.Median(total[system]), "MB");
        }
    }
}
