namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>One Kubernetes object as it is written to a file.</summary>
/// <param name="Why">What a reader of the file should know of it; written above it as comments, a line each.</param>
/// <param name="Content">The object: anonymous types whose members are named as the API's fields, in Pascal case.</param>
internal sealed record Manifest(string Why, object Content);
