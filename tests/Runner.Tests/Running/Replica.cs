namespace ClusterAspire.Runner.Tests;

/// <summary>A replica as <c>/api/replicas</c> describes it.</summary>
internal sealed record Replica(string Name, Uri Address, int? Core, int? Pid, string? Container, string State, int Restarts, int InFlight, int Slots, int ComputeInFlight);
