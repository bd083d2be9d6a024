namespace ClusterAspire.AppHost;

/// <summary>What the table shows of <c>/api/replicas</c>.</summary>
internal sealed record ReplicaFigures(
    string Name, int? Core, int? Pid, string? Container, string State, int Restarts, int InFlight, int Slots, int ComputeInFlight, ReplicaFigures.Class Light, ReplicaFigures.Class Compute)
{
    internal sealed record Class(Window Last10s, Window SinceStart);

    /// <summary>Milliseconds.</summary>
    internal sealed record Window(long Count, double? P50, double? P95, double? P99);
}
