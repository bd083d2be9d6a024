namespace ClusterAspire.Bench;

/// <summary>What the live page costs the balancer.</summary>
internal sealed class PageScenario : IScenario
{
    /// <summary>The case with nobody watching.</summary>
    public const string Unwatched = "nobody watches";

    /// <summary>The case with one page open.</summary>
    public const string Watched = "one page open";

    /// <summary>What the page costs, as a share of the balancer's CPU at full load.</summary>
    public const string Share = "share of full load";

    private const string Cpu = "CPU per second";
    private const string Unit = "ms";
    // Few requests, so that every second has some: the thread pool spins after each one, which varies more than the page's cost.
    private const double Rate = 10;

    // Code that runs once a second needs this time to be fully optimized.
    private const double WarmUpSeconds = 30;

    /// <inheritdoc/>
    public string Name => "page";

    /// <inheritdoc/>
    public string Title => "What does the live page cost the balancer?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (6, 5);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        if (Browser.Path is null)
        {
            run.Skip("live page", "chromium is not installed (apt install chromium)");
            return;
        }

        if (await run.StartReplicasAsync(cancellationToken) is not { } replicas
            || await run.StartAsync(new LoadBalancerPeer(Systems.Cluster, replicas), cancellationToken) is not { Admin: { } page } balancer)
        {
            return;
        }

        var rounds = run.Options.Quick ? 1 : 2;
        run.Expect(2 + (2 * rounds));

        // Warms up the code that both use, and fills the page's five minutes.
        run.Step("warming up");
        await using (Browser.Open(page, run.Folders))
        {
            await CpuAsync(run.Options.Quick ? WarmUpSeconds / 3 : WarmUpSeconds);
        }

        run.Step("full load");
        var full = await CpuOfAsync(() => Throughput.Installed.MeasureAsync(new Uri(balancer.Url, "fast"), run.Seconds, cancellationToken));
        var (unwatched, watched) = (new List<double>(), new List<double>());
        for (var round = 1; round <= rounds; round++)
        {
            run.Step($"{Unwatched}, round {round}");
            unwatched.Add(await CpuAsync(run.Seconds));

            run.Step($"{Watched}, round {round}");
            await using var browser = Browser.Open(page, run.Folders);
            // The cost of loading the page is not counted.
            await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
            watched.Add(await CpuAsync(run.Seconds));
        }

        var cost = Statistics.Median(watched) - Statistics.Median(unwatched);
        run.Add(Systems.Cluster, ForwardingScenario.Saturated, Cpu, full, Unit);
        run.Add(Systems.Cluster, Unwatched, Cpu, Statistics.Median(unwatched), Unit);
        run.Add(Systems.Cluster, Watched, Cpu, Statistics.Median(watched), Unit);
        run.Add(Systems.Cluster, Watched, Share, cost / full);

        Task<double> CpuAsync(double seconds) => CpuOfAsync(() =>
            Load.RunAsync(new LoadPlan(balancer.Url, WarmUpSeconds: 0, seconds, DrainSeconds: 1, new OpenLoad("/fast", Rate)), cancellationToken));

        async Task<double> CpuOfAsync(Func<Task> load)
        {
            var (cpu, started) = (balancer.CpuTime, System.Diagnostics.Stopwatch.GetTimestamp());
            await load();
            return (balancer.CpuTime - cpu).TotalMilliseconds / System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
    }
}
