namespace ClusterAspire.Orchestration.Supervision;

/// <summary>A workload as its supervisor sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">What it is doing.</param>
/// <param name="Process">What the operating system or the engine calls it: <c>pid 4242</c>; null while it does not run.</param>
/// <param name="Core">The core it is pinned to, or null.</param>
/// <param name="Port">The loopback TCP port it listens at, or null for the load balancer.</param>
/// <param name="StartedAt">When its present process was started, or its last one.</param>
/// <param name="Restarts">How often it has ended and been started again.</param>
/// <param name="Memory">How much memory its process uses, in bytes; null when that is not known.</param>
/// <param name="LastEnd">How it ended the last time, such as <c>exited with code 137</c>; null when it has not.</param>
public sealed record WorkloadStatus(
    string Name,
    WorkloadState State,
    string? Process,
    int? Core,
    int? Port,
    DateTimeOffset? StartedAt,
    int Restarts,
    long? Memory,
    string? LastEnd);
