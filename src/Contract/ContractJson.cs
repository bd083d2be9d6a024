using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterAspire.Contract;

/// <summary>How the contract is written as JSON: camel case.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ReplicaHealth))]
[JsonSerializable(typeof(ReplicaStatus[]))]
[JsonSerializable(typeof(ReportedEvent))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
[JsonSerializable(typeof(SupervisorFigures))]
public sealed partial class ContractJson : JsonSerializerContext;
