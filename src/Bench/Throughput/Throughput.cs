namespace ClusterAspire.Bench;

/// <summary>What a closed loop reached.</summary>
/// <param name="PerSecond">Requests answered per second.</param>
/// <param name="P50">The median latency, in ms.</param>
/// <param name="P99">The 99th percentile, in ms.</param>
/// <param name="Failed">Requests not answered 2xx.</param>
internal sealed record Throughput(double PerSecond, double P50, double P99, long Failed)
{
    /// <summary>How many connections there are where a scenario does not say.</summary>
    public const int Connections = 32;

    /// <summary>The tool this machine has.</summary>
    public static IThroughputTool Installed { get; } =
        new IThroughputTool[] { new WrkTool(), new H2LoadTool(), new OwnTool() }.First(tool => tool.IsInstalled);
}
