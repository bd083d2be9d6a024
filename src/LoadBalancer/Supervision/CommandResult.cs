namespace ClusterAspire.LoadBalancer.Supervision;

/// <summary>What became of a command.</summary>
/// <param name="IsDone">Whether it was done.</param>
/// <param name="Text">What was done, or why it was not: a sentence.</param>
/// <param name="IsTaken">Whether there was anybody who took it.</param>
public sealed record CommandResult(bool IsDone, string Text, bool IsTaken = true);
