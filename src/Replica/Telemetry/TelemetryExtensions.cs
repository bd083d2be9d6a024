using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace ClusterAspire.Replica.Telemetry;

/// <summary>Adds what a replica tells of itself to the application's telemetry, if it has any.</summary>
internal static class TelemetryExtensions
{
    /// <summary>Adds our meters and activity sources to whatever providers the application creates; creates none.</summary>
    public static void AddReplicaTelemetry(this IServiceCollection services)
    {
        services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddMeter("ClusterAspire.*"));
        services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddSource("ClusterAspire.*"));
    }
}
