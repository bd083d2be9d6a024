namespace ClusterAspire.Orchestration.Plan;

/// <summary>One replica of the service: its name, its core and where it listens.</summary>
/// <param name="Name"><c>replica-0</c>, <c>replica-1</c>, …; kept over restarts.</param>
/// <param name="Core">The core it is pinned to (the operating system's number), or null when it is not pinned.</param>
/// <param name="Port">The loopback TCP port it is reached at on this machine.</param>
/// <param name="Environment">What it is told, on every target, besides where to listen.</param>
public sealed record ReplicaPlan(string Name, int? Core, int Port, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The command-line arguments of its process.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Where the load balancer reaches this replica.</summary>
    public Uri Address => new($"http://{Loopback.Host}:{Port}");
}
