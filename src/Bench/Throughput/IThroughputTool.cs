namespace ClusterAspire.Bench;

/// <summary>Finds out how many requests a second a server answers when clients ask as fast as they can.</summary>
internal interface IThroughputTool
{
    /// <summary>The tool's name.</summary>
    string Name { get; }

    /// <summary>Whether it is on this machine.</summary>
    bool IsInstalled { get; }

    /// <summary>Whether it can ask by HTTPS.</summary>
    bool SpeaksHttps => true;

    /// <summary>Measures from one thread.</summary>
    /// <param name="url">What is requested.</param>
    /// <param name="seconds">For how long.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="connections">From how many connections.</param>
    Task<Throughput> MeasureAsync(Uri url, double seconds, CancellationToken cancellationToken, int connections = Throughput.Connections);
}
