using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>Kills a replica every second under load, but never before the one killed last is replaced.</summary>
internal sealed class KillScenario : IScenario
{
    /// <summary>The figure's name.</summary>
    public const string Failed = "failed requests";

    /// <inheritdoc cref="Failed"/>
    public const string Sent = "requests";

    // Fifty seconds of it are 100 000 requests.
    private const double Rate = 2000;

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <inheritdoc/>
    public string Name => "kills";

    /// <inheritdoc/>
    public string Title => "What does kill -9 of a replica every second cost?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (50, 6);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        if (!ProcessTree.IsReadable)
        {
            run.Skip(Name, "killing the peers' workers needs Linux's /proc");
            return;
        }

        // The peers fail within a shorter time.
        (IPeer Peer, double Seconds)[] cells =
        [
            (Systems.ProductCluster, run.Seconds),
            (NodePeer.Clustered("Node cluster", Systems.Replicas), run.Seconds / 2),
            .. NodePeer.Pm2Unless(run.Options.Quick).Select(peer => ((IPeer)peer, run.Seconds / 2)),
        ];
        run.Expect(cells.Length);
        foreach (var (peer, seconds) in cells)
        {
            run.Step(peer.Name);
            if (await run.StartAsync(peer, cancellationToken) is { } running)
            {
                await MeasureAsync(run, peer, running, seconds, cancellationToken);
                await run.StopAsync(peer);
            }
        }
    }

    private static async Task MeasureAsync(ScenarioRun run, IPeer peer, RunningPeer running, double seconds, CancellationToken cancellationToken)
    {
        var load = Load.RunAsync(
            new LoadPlan(running.Url, WarmUpSeconds: 1, seconds, DrainSeconds: 6, new OpenLoad("/fast", Rate)), cancellationToken);
        var kills = await KillAsync(running, TimeSpan.FromSeconds(seconds), cancellationToken);
        var report = await load;
        var open = report.Open!;

        run.Add(peer.Name, "", Sent, open.Sent, "requests");
        run.Add(peer.Name, "", Failed, open.Failed + open.Unanswered, "requests");
        foreach (var (reason, count) in open.Failures)
        {
            run.Add(peer.Name, "", reason, count, "requests");
        }

        run.Add(peer.Name, "", "kills", kills.Count, "kills");
        run.Add(peer.Name, "", Replacement.Figure, Statistics.Median(kills.Select(kill => kill.ServedAfter.TotalMilliseconds)), "ms");
        run.Add(peer.Name, "", Latencies.FromPairs(open.Latencies));
        run.Add(peer.Name, [.. kills.Select(kill => Stopwatch.GetElapsedTime(report.RecordingSince, kill.At).TotalSeconds)], open);
    }

    private static async Task<List<(long At, TimeSpan ServedAfter)>> KillAsync(RunningPeer running, TimeSpan duration, CancellationToken cancellationToken)
    {
        var kills = new List<(long At, TimeSpan ServedAfter)>();
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(2 * Between, cancellationToken);

        for (var turn = 0; Stopwatch.GetElapsedTime(started) < duration; turn++)
        {
            var workers = (await running.Workers()).Where(worker => worker.Serves).ToList();
            if (workers.Count > 1)
            {
                var victim = workers[turn % workers.Count];
                var at = Stopwatch.GetTimestamp();
                if (await Replacement.AfterKillAsync(running, victim, workers, cancellationToken) is { } after)
                {
                    kills.Add((at, after));
                }

                await Task.Delay(TimeSpan.FromTicks(Math.Max(1, (Between - Stopwatch.GetElapsedTime(at)).Ticks)), cancellationToken);
            }
            else
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }

        return kills;
    }
}
