namespace ClusterAspire.Bench;

/// <summary>What did not run on this machine.</summary>
/// <param name="Name">What.</param>
/// <param name="Reason">Why.</param>
internal sealed record Skipped(string Name, string Reason);
