using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterAspire.Contract;

namespace ClusterAspire.Replica.Health;

/// <summary>
/// Writes <see cref="ReplicaHealth"/> as <see cref="ContractJson"/> does, by generated code alone: a new process answers its first probe
/// sooner than with the metadata that reading needs.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, GenerationMode = JsonSourceGenerationMode.Serialization)]
[JsonSerializable(typeof(ReplicaHealth))]
internal sealed partial class HealthJson : JsonSerializerContext;
