namespace ClusterAspire.Bench;

/// <summary>What a balancer costs a light request: ours and others before the same replicas.</summary>
internal sealed class ForwardingScenario : IScenario
{
    /// <summary>The case in which clients ask as fast as they can.</summary>
    public const string Saturated = "closed loop, 32 connections";

    /// <summary>The case with a steady rate that every balancer can keep up with.</summary>
    public const string Steady = "open loop, 1000/s";

    // On two cores that it shares with load and replicas, a balancer of .NET takes 10 to 12 s to be as fast as it gets;
    // a compiled balancer only has to connect.
    private static double WarmUpSeconds(IPeer peer, bool quick) => (peer is NginxPeer or HaProxyPeer ? 4 : 14) / (quick ? 2 : 1);

    /// <inheritdoc/>
    public string Name => "forwarding";

    /// <inheritdoc/>
    public string Title => "What does the balancer cost /fast?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (3, 2);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        var rounds = run.Options.Quick ? 1 : 3;
        if (await run.StartReplicasAsync(cancellationToken) is not { } replicas)
        {
            return;
        }

        var collector = await run.StartAsync(DotnetPeer.Server("telemetry collector", BenchServer.Kestrel), cancellationToken);
        // A quick run measures one of YARP's policies: they choose differently, at almost the same cost.
        IPeer[] peers =
        [
            new LoadBalancerPeer(Systems.Cluster, replicas),
            new LoadBalancerPeer(Systems.ClusterWithTelemetry, replicas, collector?.Url),
            .. YarpPeer.Policies.Take(run.Options.Quick ? 1 : YarpPeer.Policies.Count).Select(policy => YarpPeer.Before(replicas, policy)),
            new NginxPeer(replicas),
            .. run.Options.Quick ? Array.Empty<IPeer>() : [new NginxPeer(replicas, keepAlive: false)],
            new HaProxyPeer(replicas),
            .. run.Options.Quick ? Array.Empty<IPeer>() : [NodePeer.Cluster, DotnetPeer.Server(Systems.BareKestrel, BenchServer.Kestrel)],
        ];
        run.Expect(rounds * peers.Length);

        var saturated = peers.ToDictionary(peer => peer.Name, _ => new List<Throughput>());
        var cpu = peers.ToDictionary(peer => peer.Name, _ => new List<double>());
        var steady = peers.ToDictionary(peer => peer.Name, _ => new Latencies());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var peer in peers)
            {
                run.Step($"{peer.Name}, round {round + 1}");
                if (await run.StartAsync(peer, cancellationToken, warmUp: false) is not { } running)
                {
                    continue;
                }

                if (round == 0)
                {
                    // At full load until the code is fully optimized: a server's first seconds are not compared.
                    await Throughput.Installed.MeasureAsync(new Uri(running.Url, "fast"), WarmUpSeconds(peer, run.Options.Quick), cancellationToken);
                }

                var before = running.CpuTime;
                var throughput = await Throughput.Installed.MeasureAsync(new Uri(running.Url, "fast"), run.Seconds, cancellationToken);
                saturated[peer.Name].Add(throughput);
                cpu[peer.Name].Add((running.CpuTime - before).TotalMicroseconds / (throughput.PerSecond * run.Seconds));

                var plan = new LoadPlan(running.Url, WarmUpSeconds: 0.3, run.Seconds / 2, DrainSeconds: 5, new OpenLoad("/fast", 1000));
                steady[peer.Name].Add((await Load.RunAsync(plan, cancellationToken)).Open!.Latencies);
            }
        }

        foreach (var (system, measured) in saturated)
        {
            run.Add(system, Saturated, "throughput", Statistics.Median(measured.Select(throughput => throughput.PerSecond)), "/fast per second");
            run.Add(system, Saturated, "p50", Statistics.Median(measured.Select(throughput => throughput.P50)), "ms");
            run.Add(system, Saturated, "p99", Statistics.Median(measured.Select(throughput => throughput.P99)), "ms");
            run.Add(system, Saturated, "CPU per request", Statistics.Median(cpu[system]), "µs");
            if (measured.Sum(throughput => throughput.Failed) is var failed and > 0)
            {
                run.Add(system, Saturated, "failed", failed, "requests");
            }

            run.Add(system, Steady, steady[system]);
        }
    }
}
