namespace ClusterAspire.Bench;

/// <summary>What the user must change, in one sentence.</summary>
internal sealed class BenchException(string message) : Exception(message);
