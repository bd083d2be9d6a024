using System.Diagnostics.Metrics;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>Meters under a name that no listener subscribes to.</summary>
/// <remarks>
/// The HTTP clients to the replicas use them: <c>clusteraspire.upstream.request.duration</c> already measures each try by
/// replica, and the probes share these clients.
/// </remarks>
internal sealed class UnobservedMeters : IMeterFactory
{
    private readonly Meter _meter = new("ClusterAspire_unobserved");

    /// <inheritdoc/>
    public Meter Create(MeterOptions options) => _meter;

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
