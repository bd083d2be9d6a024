namespace ClusterAspire.Bench;

/// <summary>Bench's own load generator, where neither wrk nor h2load is installed. It costs more CPU than they do.</summary>
internal sealed class OwnTool : IThroughputTool
{
    /// <inheritdoc/>
    public string Name => "bench";

    /// <inheritdoc/>
    public bool IsInstalled => true;

    /// <inheritdoc/>
    public bool SpeaksHttps => false;

    /// <inheritdoc/>
    public async Task<Throughput> MeasureAsync(Uri url, double seconds, CancellationToken cancellationToken, int connections = Throughput.Connections)
    {
        var plan = new LoadPlan(new Uri(url, "/"), 0.5, seconds, 10, Closed: new ClosedLoad(url.PathAndQuery, connections));
        var report = (await Load.RunAsync(plan, cancellationToken)).Closed!;
        var latencies = Latencies.FromPairs(report.Latencies);
        return new Throughput(report.PerSecond, latencies.Percentile(50), latencies.Percentile(99), report.Failed);
    }
}
