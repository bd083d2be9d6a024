using Microsoft.Extensions.Primitives;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>The endpoints a host name stands for.</summary>
/// <param name="Endpoints">Where the replicas are.</param>
/// <param name="IsCurrent">Whether the source says so now; false when these are the ones it said last.</param>
/// <param name="Changed">When to look again.</param>
internal sealed record EndpointSet(IReadOnlyList<Endpoint> Endpoints, bool IsCurrent, IChangeToken Changed);
