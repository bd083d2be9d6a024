namespace ClusterAspire.Orchestration.Supervision;

/// <summary>How long something may leave its liveness probe unanswered before it counts as hung.</summary>
/// <param name="Start">From its start to its first answer.</param>
/// <param name="Silence">After that.</param>
public sealed record LivenessLimits(TimeSpan Start, TimeSpan Silence);
