using System.Diagnostics.Metrics;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.Replica.Telemetry;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Instrumentation.AspNetCore;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>What the load balancer exports: metrics to Prometheus, and everything by OTLP or to the console when asked for.</summary>
internal static class BalancerTelemetryExtensions
{
    /// <summary>Sets OpenTelemetry up. The admin port's requests and the health endpoints' are kept out of traces.</summary>
    public static void AddBalancerTelemetry(this WebApplicationBuilder builder)
    {
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService(builder.Environment.ApplicationName, serviceInstanceId: builder.Configuration["Replica:Name"] ?? Environment.MachineName)
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddView(View)
                .AddPrometheusExporter());
        // Only configured: traces are created when an exporter asks for them.
        builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation());
        builder.Services.AddSingleton<TraceSampler>();
        if (!TraceSampler.IsReplaced(builder.Configuration))
        {
            builder.Services.ConfigureOpenTelemetryTracerProvider((services, traces) => traces.SetSampler(services.GetRequiredService<TraceSampler>()));
        }

        builder.Services.AddOptions<AspNetCoreTraceInstrumentationOptions>().Configure<IOptions<LoadBalancerOptions>>((traces, options) =>
            traces.Filter = context =>
                context.Connection.LocalPort != options.Value.AdminUrl.Port && context.Request.Path.Value is not ("/health" or "/alive"));

        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            builder.Services.Configure<OpenTelemetryLoggerOptions>(logs => (logs.IncludeFormattedMessage, logs.IncludeScopes) = (true, true));
            telemetry.UseOtlpExporter();
        }

        // Anything but true or false is reported when the options are validated.
        if (bool.TryParse(builder.Configuration["Telemetry:Console"], out var console) && console)
        {
            telemetry.WithMetrics(metrics => metrics.AddConsoleExporter()).WithTracing(traces => traces.AddConsoleExporter());
        }
    }

    private static MetricStreamConfiguration? View(Instrument instrument) =>
        // Requests of the live page are not measured.
        instrument.Meter.Name.StartsWith("Microsoft.AspNetCore.Components", StringComparison.Ordinal) ? MetricStreamConfiguration.Drop
        : instrument is Histogram<double> { Unit: "s" } ? new ExplicitBucketHistogramConfiguration { Boundaries = [.. DurationBuckets.Bounds] }
        : null;
}
