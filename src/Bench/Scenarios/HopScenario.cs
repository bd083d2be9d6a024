namespace ClusterAspire.Bench;

/// <summary>What the hop costs with few and many connections, small and large answers, and HTTPS.</summary>
internal sealed class HopScenario : IScenario
{
    /// <summary>How long the answers are, in bytes.</summary>
    public static readonly IReadOnlyList<int> Lengths = [100, 100_000];

    /// <summary>What is measured.</summary>
    public static IReadOnlyList<HopCase> Cases { get; } =
    [
        new(1, Lengths[0], IsEncrypted: false),
        new(32, Lengths[0], IsEncrypted: false),
        new(512, Lengths[0], IsEncrypted: false),
        new(1, Lengths[1], IsEncrypted: false),
        new(32, Lengths[1], IsEncrypted: false),
        new(512, Lengths[1], IsEncrypted: false),
        new(32, Lengths[0], IsEncrypted: true),
        new(32, Lengths[1], IsEncrypted: true),
    ];

    /// <inheritdoc/>
    public string Name => "hop";

    /// <inheritdoc/>
    public string Title => "What does the hop cost, by connections, size and TLS?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (3, 1);

    /// <summary>Where answers of a length are.</summary>
    public static string Path(int length) => $"/bytes/{length}";

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        var replicas = new List<Uri>();
        foreach (var core in Cores.Numbers)
        {
            if (await run.StartAsync(DotnetPeer.Server($"replica of sizes on core {core}", BenchServer.Sized, core), cancellationToken) is not { } replica)
            {
                return;
            }

            replicas.Add(replica.Url);
        }

        var certificate = await ServerCertificate.CreateAsync(run.Folders.Work);
        var collector = await run.StartAsync(DotnetPeer.Server("telemetry collector", BenchServer.Kestrel), cancellationToken);
        IPeer[] peers =
        [
            new LoadBalancerPeer(Systems.ClusterWithTelemetry, replicas, collector?.Url, certificate),
            new NginxPeer(replicas, certificate: certificate),
            new HaProxyPeer(replicas, certificate),
        ];
        var rounds = run.Options.Quick ? 1 : 3;
        run.Expect((rounds + 1) * Cases.Count * peers.Length);
        var throughputs = new Dictionary<(string, HopCase), List<Throughput>>();
        var cpu = new Dictionary<(string, HopCase), List<double>>();

        // Round 0 warms up and is not counted. HTTPS is as long in it as HTTP: its code is compiled as late.
        var plain = Cases.Count(@case => !@case.IsEncrypted);
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var @case in Cases)
            {
                if (@case.IsEncrypted && !Throughput.Installed.SpeaksHttps)
                {
                    run.Skip(@case.Name, $"{Throughput.Installed.Name} does not speak HTTPS (apt install wrk)");
                    continue;
                }

                foreach (var peer in peers)
                {
                    run.Step($"{peer.Name}, {@case.Name}, round {round}");
                    if (await run.StartAsync(peer, cancellationToken, warmUp: false) is not { Secure: { } secure } running)
                    {
                        continue;
                    }

                    var url = new Uri(@case.IsEncrypted ? secure : running.Url, Path(@case.Length));
                    var seconds = round == 0 && @case.IsEncrypted ? run.Seconds * plain / (Cases.Count - plain) : run.Seconds;
                    var before = running.CpuTime;
                    var throughput = await Throughput.Installed.MeasureAsync(url, seconds, cancellationToken, @case.Connections);
                    if (round > 0)
                    {
                        throughputs.TryAdd((peer.Name, @case), []);
                        cpu.TryAdd((peer.Name, @case), []);
                        throughputs[(peer.Name, @case)].Add(throughput);
                        cpu[(peer.Name, @case)].Add((running.CpuTime - before).TotalMicroseconds / (throughput.PerSecond * run.Seconds));
                    }
                }
            }
        }

        foreach (var ((system, @case), measured) in throughputs)
        {
            run.Add(system, @case.Name, "throughput", Statistics.Median(measured.Select(throughput => throughput.PerSecond)), "per second");
            run.Add(system, @case.Name, "p50", Statistics.Median(measured.Select(throughput => throughput.P50)), "ms");
            run.Add(system, @case.Name, "p99", Statistics.Median(measured.Select(throughput => throughput.P99)), "ms");
            run.Add(system, @case.Name, "CPU per request", Statistics.Median(cpu[(system, @case)]), "µs");
            if (measured.Sum(throughput => throughput.Failed) is var failed and > 0)
            {
                run.Add(system, @case.Name, "failed", failed, "requests");
            }
        }
    }
}

/// <summary>One kind of load.</summary>
/// <param name="Connections">How many clients ask at a time.</param>
/// <param name="Length">How long the answers are, in bytes.</param>
/// <param name="IsEncrypted">Whether they speak HTTPS.</param>
internal sealed record HopCase(int Connections, int Length, bool IsEncrypted)
{
    /// <summary>What it is called.</summary>
    public string Name => $"{Connections} {(Connections == 1 ? "connection" : "connections")}, {(Length < 1000 ? $"{Length} B" : $"{Length / 1000} KB")}{(IsEncrypted ? ", HTTPS" : "")}";
}
