namespace ClusterAspire.LoadBalancer;

/// <summary>What a replica says of itself in the body of <c>/health</c>; all of it optional.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Draining</c> or <c>Unhealthy</c>.</param>
/// <param name="Name">Its name, kept over restarts.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Container">The container or pod it runs in.</param>
/// <param name="Core">The core it is pinned to.</param>
/// <param name="Cores">How many cores it has: its compute slots.</param>
/// <param name="StartedAt">When its process started; a new value means a restart.</param>
internal sealed record HealthReport(
    string? Status = null,
    string? Name = null,
    int? Pid = null,
    string? Container = null,
    int? Core = null,
    int? Cores = null,
    DateTimeOffset? StartedAt = null);
