namespace ClusterAspire.Contract;

/// <summary>What a client asks a running cluster to do, one line of JSON.</summary>
/// <param name="Verb">Such as <c>reload</c>.</param>
/// <param name="Arguments">What follows it.</param>
public sealed record ControlRequest(string Verb, IReadOnlyList<string> Arguments);
