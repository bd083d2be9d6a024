using ClusterAspire.ServiceDefaults;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Instrumentation.AspNetCore;
using OpenTelemetry.Instrumentation.Http;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace ClusterAspire.LoadBalancer;

/// <summary>What the load balancer exports, beyond what every service does.</summary>
internal static class BalancerTelemetryExtensions
{
    /// <summary>Adds the Prometheus endpoint's metrics, and YARP's spans for whoever exports traces.</summary>
    public static void AddBalancerTelemetry(this WebApplicationBuilder builder)
    {
        builder.AddTelemetry().WithMetrics(metrics => metrics.AddView(Unwanted).AddPrometheusExporter());

        // Takes effect once somebody exports traces; spans nobody reads would halve the throughput.
        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddSource("Yarp.ReverseProxy"));
        builder.Services.AddOptions<AspNetCoreTraceInstrumentationOptions>().PostConfigure<IOptions<LoadBalancerOptions>>((traces, options) =>
        {
            var filter = traces.Filter;
            traces.Filter = context => context.Connection.LocalPort != options.Value.AdminUrl.Port && filter?.Invoke(context) is not false;
        });
        // Only the probe asks replicas for it: the public /health is the balancer's own.
        builder.Services.PostConfigure<HttpClientTraceInstrumentationOptions>(traces =>
            traces.FilterHttpRequestMessage = request => request.RequestUri?.AbsolutePath is not "/health");
    }

    // What the live page itself does is nobody's metric.
    private static MetricStreamConfiguration? Unwanted(System.Diagnostics.Metrics.Instrument instrument) =>
        instrument.Meter.Name.StartsWith("Microsoft.AspNetCore.Components", StringComparison.Ordinal) ? MetricStreamConfiguration.Drop : null;
}
