using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>How soon somebody serves in the place of a replica that was killed.</summary>
internal static class Replacement
{
    /// <summary>The figure's name.</summary>
    public const string Figure = "replacement serves after";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Kills a replica and waits for its replacement.</summary>
    /// <param name="running">Its peer.</param>
    /// <param name="victim">The replica.</param>
    /// <param name="known">All replicas.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The time from the kill to the first answer; null when there was nothing to kill, or none came in 15 s.</returns>
    public static async Task<TimeSpan?> AfterKillAsync(RunningPeer running, Worker victim, IReadOnlyList<Worker> known, CancellationToken cancellationToken) =>
        Signal.Kill(victim.Pid) ? await ReplacedAsync(running, victim, known, cancellationToken) : null;

    // Measured as a client sees it: the killed replica cannot answer a request that was sent after its end.
    // Requests overlap, because one that reached the old process may hang.
    private static async Task<TimeSpan?> ReplacedAsync(RunningPeer running, Worker victim, IReadOnlyList<Worker> known, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        enough.CancelAfter(Limit);
        var started = Stopwatch.GetTimestamp();
        var served = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        var probes = new List<Task>();

        async Task ProbeAsync()
        {
            var name = await running.AskAsync(enough.Token);
            if (name is { Length: > 0 } && (name == victim.Name || known.All(worker => worker.Name != name)))
            {
                served.TrySetResult(Stopwatch.GetElapsedTime(started));
                await enough.CancelAsync();
            }
        }

        while (!enough.IsCancellationRequested)
        {
            probes.Add(ProbeAsync());
            await Task.Delay(Pause, CancellationToken.None);
        }

        await Task.WhenAll(probes).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        cancellationToken.ThrowIfCancellationRequested();
        return served.Task.IsCompletedSuccessfully ? await served.Task : null;
    }
}
