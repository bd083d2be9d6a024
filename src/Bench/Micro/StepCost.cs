namespace ClusterAspire.Bench;

/// <summary>What one step of the request path costs.</summary>
/// <param name="Step">The step.</param>
/// <param name="Case">With how many replicas, or empty.</param>
/// <param name="Nanoseconds">Its mean time.</param>
/// <param name="Bytes">What it allocates.</param>
internal sealed record StepCost(string Step, string Case, double Nanoseconds, double Bytes);
