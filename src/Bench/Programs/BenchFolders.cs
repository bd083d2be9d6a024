namespace ClusterAspire.Bench;

/// <summary>Where Bench writes.</summary>
/// <param name="Output">Results and pictures.</param>
internal sealed record BenchFolders(string Output)
{
    /// <summary>What servers print.</summary>
    public string Logs => Path.Combine(Output, "logs");

    /// <summary>Packages and configuration files of peers; kept from run to run.</summary>
    public string Work { get; } = Path.Combine(Path.GetTempPath(), "clusteraspire-bench");
}
