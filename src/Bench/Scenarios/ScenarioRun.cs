using ClusterAspire.LoadBalancer.Live;

namespace ClusterAspire.Bench;

/// <summary>One scenario while it runs: its peers, its options, and where its figures go.</summary>
/// <param name="scenario">The scenario.</param>
/// <param name="options">The user's choices.</param>
/// <param name="folders">Where it may write.</param>
/// <param name="results">Where its figures go.</param>
/// <param name="progress">Is told what is being measured, and what share of the scenario is done.</param>
internal sealed class ScenarioRun(
    IScenario scenario, BenchOptions options, BenchFolders folders, Results results, IProgress<(string Doing, double Share)> progress) : IAsyncDisposable
{
    private readonly Dictionary<string, RunningPeer> _running = [];
    private readonly HashSet<string> _absent = [];
    private int _steps = 1;
    private int _step;

    /// <summary>The user's choices.</summary>
    public BenchOptions Options => options;

    /// <summary>Where it may write.</summary>
    public BenchFolders Folders => folders;

    /// <summary>How long a measurement lasts.</summary>
    public double Seconds => options.Seconds.TryGetValue(scenario.Name, out var given) ? given
        : options.Quick ? scenario.Seconds.Quick : scenario.Seconds.Full;

    /// <summary>Says how many steps there will be.</summary>
    public void Expect(int steps) => _steps = Math.Max(1, steps);

    /// <summary>Says what is measured now.</summary>
    public void Step(string doing) => progress.Report((doing, (double)_step++ / _steps));

    /// <summary>The peer, started and warmed up where it does not run yet; null, with the reason noted, where it cannot.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="warmUp">Whether to warm it up.</param>
    public async Task<RunningPeer?> StartAsync(IPeer peer, CancellationToken cancellationToken, bool warmUp = true)
    {
        if (_running.TryGetValue(peer.Name, out var running))
        {
            return running;
        }

        if (_absent.Contains(peer.Name))
        {
            return null;
        }

        try
        {
            running = peer.Missing is { } reason ? throw new BenchException(reason) : await peer.StartAsync(folders, cancellationToken);
        }
        catch (BenchException exception)
        {
            _absent.Add(peer.Name);
            Skip(peer.Name, exception.Message);
            return null;
        }

        _running.Add(peer.Name, running);
        if (warmUp)
        {
            await Load.WarmUpAsync(running.Url, options.Quick ? 1 : 2, cancellationToken);
        }

        return running;
    }

    /// <summary>The addresses of the service on each core; null, with the reason noted, where one cannot be started.</summary>
    public async Task<IReadOnlyList<Uri>?> StartReplicasAsync(CancellationToken cancellationToken)
    {
        var replicas = new List<Uri>();
        foreach (var core in Cores.Numbers)
        {
            if (await StartAsync(DotnetPeer.Service($"replica on core {core}", core), cancellationToken) is not { } replica)
            {
                return null;
            }

            replicas.Add(replica.Url);
        }

        return replicas;
    }

    /// <summary>Stops a peer.</summary>
    public async Task StopAsync(IPeer peer)
    {
        if (_running.Remove(peer.Name, out var running))
        {
            await running.DisposeAsync();
        }
    }

    /// <summary>Notes a number; one that is not a number was not measured and is left out.</summary>
    public void Add(string system, string @case, string name, double value, string unit = "")
    {
        if (double.IsFinite(value))
        {
            results.Figures.Add(new Figure(scenario.Name, system, @case, name, value, unit));
        }
    }

    /// <summary>Notes latencies: percentiles as numbers, and the distribution.</summary>
    public void Add(string system, string @case, Latencies latencies)
    {
        if (latencies.Count == 0)
        {
            return;
        }

        foreach (var (name, percentile) in new[] { ("p50", 50.0), ("p99", 99.0), ("max", 100.0) })
        {
            Add(system, @case, name, latencies.Percentile(percentile), "ms");
        }

        results.Distributions.Add(Distribution.Of(scenario.Name, system, @case, latencies));
    }

    /// <summary>Notes how requests fared over time.</summary>
    public void Add(string system, IReadOnlyList<double> kills, StreamReport report) =>
        results.Timelines.Add(new Timeline(scenario.Name, system, kills, report.Slices));

    /// <summary>Notes what does not run here.</summary>
    public void Skip(string name, string reason)
    {
        if (!results.Skipped.Contains(new Skipped(name, reason)))
        {
            results.Skipped.Add(new Skipped(name, reason));
        }
    }

    /// <summary>Stops all peers.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _running.Values)
        {
            await peer.DisposeAsync();
        }

        _running.Clear();
    }
}
