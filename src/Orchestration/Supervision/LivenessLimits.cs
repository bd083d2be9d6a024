using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>How long something may leave its liveness probe unanswered before it counts as hung.</summary>
/// <param name="Start">From its start to its first answer.</param>
/// <param name="Silence">After that; <see cref="TimeSpan.MaxValue"/> for as long as it likes.</param>
/// <param name="Drain">How much longer when it does not listen any more: somebody else may have told it to end.</param>
public sealed record LivenessLimits(TimeSpan Start, TimeSpan Silence, TimeSpan Drain)
{
    /// <summary>What the user chose.</summary>
    public static LivenessLimits Of(ClusterOptions options) => new(
        TimeSpan.FromSeconds(options.StartTimeout),
        options.LivenessTimeout is 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(options.LivenessTimeout),
        TimeSpan.FromSeconds(options.DrainTimeout));
}
