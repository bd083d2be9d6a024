using System.Globalization;
using ClusterAspire.Orchestration.Supervision;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClusterAspire.Runner;

/// <summary>Sends the spans of the runner where replicas and load balancers send theirs: by OTLP. Their metrics are the load balancer's.</summary>
internal static class TraceExport
{
    /// <summary>Starts the export; null where no endpoint is set. Disposing sends the rest.</summary>
    public static IDisposable? Begin() =>
        string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")) ? null
        : Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService("supervisor", serviceInstanceId: Environment.ProcessId.ToString(CultureInfo.InvariantCulture)))
            .AddSource(SupervisorTraces.Name)
            .AddOtlpExporter()
            .Build();
}
