namespace ClusterAspire.Contract;

/// <summary>What a replica says of itself in the body of <c>/health</c>; all of it optional.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c>, <c>Unhealthy</c> or <c>Draining</c>.</param>
/// <param name="Name">Its name, kept over restarts.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Container">The container or pod it runs in, or null.</param>
/// <param name="Core">The core it is pinned to, or null.</param>
/// <param name="Cores">How many cores it may use: its compute slots.</param>
/// <param name="StartedAt">When its process started; a new value means a restart.</param>
/// <param name="ComputeRoutes">The routes that run on its compute lane.</param>
/// <param name="Lane">What its compute lane is doing.</param>
/// <param name="Link">How it is reached by the link, or null when it is not.</param>
/// <param name="KeptOfClients">What it alone keeps of its clients between their requests, such as <c>sessions</c>, or null for nothing that is known.</param>
public sealed record ReplicaHealth(
    string? Status = null,
    string? Name = null,
    int? Pid = null,
    string? Container = null,
    int? Core = null,
    int? Cores = null,
    DateTimeOffset? StartedAt = null,
    IReadOnlyList<ComputeRoute>? ComputeRoutes = null,
    LaneHealth? Lane = null,
    LinkOffer? Link = null,
    IReadOnlyList<string>? KeptOfClients = null)
{
    /// <summary>The status of a replica that finishes what it has and takes nothing new.</summary>
    public const string Draining = "Draining";
}
