namespace ClusterAspire.Contract;

/// <summary>One replica's figures, as <c>GET /api/replicas</c> returns them.</summary>
/// <param name="Name">Its name, kept over restarts.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="Core">The core it is pinned to, or null.</param>
/// <param name="Pid">Its process id, or null before it has answered.</param>
/// <param name="Container">The container or pod it runs in, where its process id says little; null when it is in none.</param>
/// <param name="State">What it is doing.</param>
/// <param name="Restarts">How often it came back as another process.</param>
/// <param name="InFlight">Requests it is working on.</param>
/// <param name="Slots">Compute requests it takes at a time.</param>
/// <param name="ComputeInFlight">Compute requests it is working on.</param>
/// <param name="ComputeRunning">How long it has been computing without a break, in seconds, or null.</param>
/// <param name="Stuck">Whether its compute lane makes no progress, as it says itself.</param>
/// <param name="Light">Latencies of light requests.</param>
/// <param name="Compute">Latencies of compute requests.</param>
public sealed record ReplicaStatus(
    string Name,
    string Address,
    int? Core,
    int? Pid,
    string? Container,
    ReplicaState State,
    int Restarts,
    int InFlight,
    int Slots,
    int ComputeInFlight,
    double? ComputeRunning,
    bool Stuck,
    RouteClassStatus Light,
    RouteClassStatus Compute);
