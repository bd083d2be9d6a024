using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Hosting.Restarts;

/// <summary>Says that a resource is started again when it ends or hangs, unless somebody asked it to stop.</summary>
/// <param name="Alive">Its liveness probe, or null when a hang is not looked for.</param>
/// <param name="Limits">How long it may leave that unanswered, and take to finish its requests when it is asked to stop.</param>
public sealed record RestartAnnotation(Uri? Alive, LivenessLimits? Limits) : IResourceAnnotation;
