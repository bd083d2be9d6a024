namespace ClusterAspire.Bench;

/// <summary>Something that answers /fast and /slow: ours, or what one would use instead.</summary>
internal interface IPeer
{
    /// <summary>Its name in tables and charts.</summary>
    string Name { get; }

    /// <summary>Whether it goes on computing for clients that have left, so that it must be restarted between measurements.</summary>
    bool FinishesAbandonedWork => false;

    /// <summary>Why it cannot run on this machine, or null when it can.</summary>
    string? Missing { get; }

    /// <summary>Starts it and waits until it serves.</summary>
    /// <exception cref="BenchException">It does not serve within a minute.</exception>
    Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken);
}
