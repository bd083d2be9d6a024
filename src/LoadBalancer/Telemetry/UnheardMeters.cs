using System.Diagnostics.Metrics;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>Meters of another name, which nobody listens to.</summary>
/// <remarks>
/// For the HTTP clients to the replicas: each try is in <c>clusteraspire.upstream.request.duration</c> already, by
/// replica, and the probes share these clients.
/// </remarks>
internal sealed class UnheardMeters : IMeterFactory
{
    private readonly Meter _meter = new("ClusterAspire_unheard");

    /// <inheritdoc/>
    public Meter Create(MeterOptions options) => _meter;

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
