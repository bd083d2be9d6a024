using ClusterAspire.Tests.Otlp;

namespace ClusterAspire.Service.Tests;

public sealed class TelemetryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly (string, string)[] Replica =
    [
        ("OTEL_SERVICE_NAME", "service"), ("Replica__Name", "replica-7"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "200"), ("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
    ];

    private static async Task UseAsync(ServiceProcess service)
    {
        await service.Client.GetStringAsync("/health", Cancel);
        await service.Client.GetStringAsync("/fast", Cancel);
        await service.Client.GetStringAsync("/slow?iterations=1000", Cancel);
    }

    [Fact]
    public async Task The_console_gets_metrics_and_traces_when_asked_for()
    {
        await using var service = await ServiceProcess.StartAsync([.. Replica, ("Telemetry__Console", "true")]);
        await UseAsync(service);
        foreach (var text in (string[])
            [
                "http.response.status_code: 200 http.route: /fast",
                "Metric Name: clusteraspire.compute_lane.run_time", "Metric Name: clusteraspire.compute_lane.queue_length",
                "Metric Name: http.server.request.duration", "Metric Name: dotnet.gc.collections",
                "service.instance.id: replica-7", "service.name: service",
                "Activity.DisplayName:        compute_lane queue", "Activity.DisplayName:        compute_lane run", "Activity.DisplayName:        GET /slow",
                "(2.5E-06,5E-06]:", "(100,250]:",
            ])
        {
            await service.WritesAsync(text);
        }

        // Probes come every second: they would drown what users do.
        Assert.DoesNotContain("url.path: /health", service.Text);
        Assert.DoesNotContain("http.response.status_code: 200 http.route: /health", service.Text);
    }

    [Fact]
    public async Task Nothing_is_exported_unasked()
    {
        await using var service = await ServiceProcess.StartAsync(Replica);
        await UseAsync(service);
        service.Signal("TERM");
        await service.ExitAsync();
        Assert.DoesNotContain("Instrumentation scope", service.Text);
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task A_collector_gets_metrics_traces_and_logs_of_the_replica(string protocol)
    {
        await using var collector = await Collector.StartAsync();
        await using var service = await ServiceProcess.StartAsync(
            [.. Replica, ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Endpoint(protocol)), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        await UseAsync(service);

        var data = collector.Data;
        foreach (var name in (string[])["clusteraspire.compute_lane.run_time", "http.server.request.duration"])
        {
            await Eventually.IsTrueAsync(() => data.Metrics.Any(metric => metric.Instance is "replica-7" && metric.Metric.Name == name), name);
        }

        foreach (var name in (string[])["compute_lane queue", "compute_lane run", "GET /slow"])
        {
            await Eventually.IsTrueAsync(() => data.Spans.Any(span => span.Instance is "replica-7" && span.Span.Name == name), name);
        }

        await Eventually.IsTrueAsync(() => data.Logs.Any(log => log.Instance is "replica-7" && log.Text.StartsWith("Now listening on", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_collector_that_is_not_there_fails_no_request_and_does_not_keep_the_service_from_stopping()
    {
        await using var service = await ServiceProcess.StartAsync([.. Replica, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
        await UseAsync(service);
        service.Signal("TERM");
        Assert.Equal(0, await service.ExitAsync());
    }
}
