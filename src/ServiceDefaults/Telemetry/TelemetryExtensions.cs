using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClusterAspire.ServiceDefaults;

/// <summary>OpenTelemetry, when somebody listens.</summary>
public static class TelemetryExtensions
{
    /// <summary>
    /// Bounds of the buckets of duration histograms, in seconds, from microseconds to minutes: 1, 2.5 and 5 of each decade,
    /// the steps of OpenTelemetry's own bounds for HTTP durations, which start at 5 ms and end at 10 s.
    /// </summary>
    private static readonly double[] DurationBuckets =
    [
        1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
        0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500,
    ];

    /// <summary>
    /// Sets OpenTelemetry up: resource, instrumentation, and buckets fit for durations. <c>AddServiceDefaults</c> calls it
    /// when the configuration asks for an exporter; an application that adds an exporter of its own calls it for that.
    /// Further calls add nothing.
    /// </summary>
    /// <remarks>Not set up at all otherwise: that alone would take a tenth of a replica's start.</remarks>
    /// <param name="builder">The application being built.</param>
    /// <returns>Where exporters are added.</returns>
    public static OpenTelemetryBuilder AddTelemetry(this IHostApplicationBuilder builder)
    {
        var telemetry = builder.Services.AddOpenTelemetry();
        if (builder.Services.Any(service => service.ServiceType == typeof(Added)))
        {
            return telemetry;
        }

        builder.Services.AddSingleton<Added>();
        builder.Services.Configure<OpenTelemetryLoggerOptions>(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
        });
        // Configured, not created: metrics and traces exist once an exporter asks for them.
        builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics
            .AddAspNetCoreInstrumentation()
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddMeter("ClusterAspire.*")
            .AddView(Durations));
        builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces
            .AddAspNetCoreInstrumentation(options => options.Filter = http => http.Request.Path.Value is not ("/health" or "/alive"))
            .AddHttpClientInstrumentation()
            .AddSource("ClusterAspire.*"));
        return telemetry.ConfigureResource(resource => resource.AddReplica(builder));
    }

    internal static void AddConfiguredTelemetry(this IHostApplicationBuilder builder)
    {
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            builder.AddTelemetry().UseOtlpExporter();
        }

        // Anything but true or false is reported when the options are validated.
        if (bool.TryParse(builder.Configuration["Telemetry:Console"], out var console) && console)
        {
            // Logs are on the console already.
            builder.AddTelemetry()
                .WithMetrics(metrics => metrics.AddConsoleExporter())
                .WithTracing(traces => traces.AddConsoleExporter());
        }
    }

    /// <summary>The service and the replica: what was given as replica comes before OpenTelemetry's own variables.</summary>
    private static void AddReplica(this ResourceBuilder resource, IHostApplicationBuilder builder)
    {
        resource
            .AddService(builder.Environment.ApplicationName, serviceInstanceId: Environment.MachineName)
            .AddEnvironmentVariableDetector();
        if (builder.Configuration["Replica:Name"] is { } name)
        {
            resource.AddAttributes([new("service.instance.id", name)]);
        }
    }

    private static ExplicitBucketHistogramConfiguration? Durations(Instrument instrument) =>
        // Blazor's are of rendering, and a view that asks for buckets outweighs one that drops the instrument.
        instrument is Histogram<double> { Unit: "s" } && !instrument.Meter.Name.StartsWith("Microsoft.AspNetCore.Components", StringComparison.Ordinal) ? new() { Boundaries = DurationBuckets } : null;

    private sealed class Added;
}
