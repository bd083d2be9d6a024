using Aspire.Hosting.ApplicationModel;

namespace ClusterAspire.Hosting.Restarts;

/// <summary>Says that a resource is started again when it ends, unless somebody asked it to stop.</summary>
public sealed class RestartAnnotation : IResourceAnnotation;
