using Aspire.Hosting.ApplicationModel;

namespace ClusterAspire.Hosting.Restarts;

/// <summary>Says that a resource is started again when it ends or hangs, unless somebody asked it to stop.</summary>
/// <param name="Alive">Its liveness probe, or null when a hang is not looked for.</param>
/// <param name="DrainTimeout">How long it may take to finish its requests when it is asked to stop.</param>
public sealed record RestartAnnotation(Uri? Alive, TimeSpan DrainTimeout) : IResourceAnnotation;
