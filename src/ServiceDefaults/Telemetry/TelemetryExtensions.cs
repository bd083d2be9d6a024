using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClusterAspire.ServiceDefaults;

/// <summary>OpenTelemetry, as much of it as somebody listens to.</summary>
internal static class TelemetryExtensions
{
    /// <summary>
    /// Bounds of the buckets of duration histograms, in seconds, from microseconds to minutes: 1, 2.5 and 5 of each decade,
    /// as OpenTelemetry's own bounds for HTTP durations have it, which start at 5 ms and end at 10 s.
    /// </summary>
    private static readonly double[] DurationBuckets =
    [
        1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
        0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500,
    ];

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        var otlp = !string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        // Anything that is no boolean is reported when the options are validated.
        var console = bool.TryParse(builder.Configuration["Telemetry:Console"], out var wanted) && wanted;

        // These take effect when something, here or in the application, asks for metrics or traces; until then they cost nothing.
        builder.Services.ConfigureOpenTelemetryMeterProvider((services, metrics) => metrics
            .ConfigureResource(resource => resource.AddReplica(services, builder))
            .AddView(DurationView));
        builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics
            .AddAspNetCoreInstrumentation()
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddMeter("ClusterAspire.*"));
        builder.Services.ConfigureOpenTelemetryTracerProvider((services, traces) => traces
            .ConfigureResource(resource => resource.AddReplica(services, builder)));
        builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces
            .AddAspNetCoreInstrumentation(options => options.Filter = http => !http.Request.Path.StartsWithSegments("/health") && !http.Request.Path.StartsWithSegments("/alive"))
            .AddHttpClientInstrumentation()
            .AddSource("ClusterAspire.*"));
        builder.Services.ConfigureOpenTelemetryLoggerProvider((services, logs) => logs
            .ConfigureResource(resource => resource.AddReplica(services, builder)));
        builder.Services.Configure<OpenTelemetryLoggerOptions>(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
        });

        if (otlp)
        {
            builder.Services.AddOpenTelemetry().UseOtlpExporter();
        }

        if (console)
        {
            // Logs are on the console already.
            builder.Services.AddOpenTelemetry()
                .WithMetrics(metrics => metrics.AddConsoleExporter())
                .WithTracing(traces => traces.AddConsoleExporter());
        }
    }

    private static void AddReplica(this ResourceBuilder resource, IServiceProvider services, IHostApplicationBuilder builder) =>
        resource.AddService(
            builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Environment.ApplicationName,
            serviceInstanceId: services.GetRequiredService<ReplicaIdentity>().Name);

    private static ExplicitBucketHistogramConfiguration? DurationView(Instrument instrument) =>
        instrument is Histogram<double> { Unit: "s" } ? new() { Boundaries = DurationBuckets } : null;
}
