using System.Text.Json.Serialization;

namespace ClusterAspire.ServiceDefaults;

/// <summary>The body of <c>/health</c>: how the replica is, and who it is.</summary>
internal sealed record ReplicaHealth(
    string Status,
    string Name,
    int Pid,
    string? Container,
    int? Core,
    int Cores,
    DateTime StartedAt);

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Serialization, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReplicaHealth))]
internal sealed partial class ReplicaHealthContext : JsonSerializerContext;
