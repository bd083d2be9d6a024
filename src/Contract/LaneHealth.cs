namespace ClusterAspire.Contract;

/// <summary>What a replica's compute lane is doing.</summary>
/// <param name="Running">How many pieces of work are running.</param>
/// <param name="Waiting">How many are waiting for a thread.</param>
/// <param name="OldestSeconds">How long the oldest running one has been running, in seconds; null when none is.</param>
/// <param name="IsStuck">Whether all threads have been busy with the same work for longer than the lane's limit.</param>
public sealed record LaneHealth(int Running, int Waiting, double? OldestSeconds, bool IsStuck);
