using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterAspire.LoadBalancer.Discovery.Kubernetes;

/// <summary>The part of an EndpointSlice (discovery.k8s.io/v1) that is read here.</summary>
internal sealed record EndpointSlice(ObjectMetadata? Metadata, string? AddressType, IReadOnlyList<EndpointSlice.Endpoint>? Endpoints)
{
    /// <summary>One of its endpoints.</summary>
    internal sealed record Endpoint(IReadOnlyList<string>? Addresses, Conditions? Conditions, TargetReference? TargetRef);

    /// <summary>What it is good for. By the API's rules, what is not said of ready and serving is true, of terminating false.</summary>
    internal sealed record Conditions(bool? Ready, bool? Serving, bool? Terminating);

    /// <summary>The object behind it: the pod.</summary>
    internal sealed record TargetReference(string? Name);
}

/// <summary>An object's or a list's metadata.</summary>
internal sealed record ObjectMetadata(string? Name, string? ResourceVersion);

/// <summary>All EndpointSlices of a Service.</summary>
internal sealed record EndpointSliceList(ObjectMetadata? Metadata, IReadOnlyList<EndpointSlice>? Items);

/// <summary>A line of a watch: <c>ADDED</c>, <c>MODIFIED</c> and <c>DELETED</c> slices, <c>BOOKMARK</c>, or <c>ERROR</c>.</summary>
internal sealed record WatchEvent(string Type, JsonElement Object);

/// <summary>Why the API refuses.</summary>
internal sealed record Status(int? Code, string? Message);

/// <summary>How the API writes them.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EndpointSlice))]
[JsonSerializable(typeof(EndpointSliceList))]
[JsonSerializable(typeof(WatchEvent))]
[JsonSerializable(typeof(Status))]
internal sealed partial class KubernetesJson : JsonSerializerContext;
