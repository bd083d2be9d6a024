using ClusterAspire.ServiceDefaults;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Instrumentation.AspNetCore;
using OpenTelemetry.Metrics;

namespace ClusterAspire.LoadBalancer;

/// <summary>What the load balancer exports, beyond what every service does.</summary>
internal static class BalancerTelemetryExtensions
{
    /// <summary>Adds the Prometheus endpoint's metrics, and keeps the admin port's requests out of traces.</summary>
    public static void AddBalancerTelemetry(this WebApplicationBuilder builder)
    {
        builder.AddTelemetry().WithMetrics(metrics => metrics.AddView(Unwanted).AddPrometheusExporter());
        builder.Services.AddOptions<AspNetCoreTraceInstrumentationOptions>().PostConfigure<IOptions<LoadBalancerOptions>>((traces, options) =>
        {
            var filter = traces.Filter;
            traces.Filter = context => context.Connection.LocalPort != options.Value.AdminUrl.Port && filter?.Invoke(context) is not false;
        });
    }

    // What the live page itself does is nobody's metric.
    private static MetricStreamConfiguration? Unwanted(System.Diagnostics.Metrics.Instrument instrument) =>
        instrument.Meter.Name.StartsWith("Microsoft.AspNetCore.Components", StringComparison.Ordinal) ? MetricStreamConfiguration.Drop : null;
}
