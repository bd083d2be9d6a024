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
            await service.UntilOutput(text);
        }

        // Probes come every second: they would drown what users do.
        Assert.DoesNotContain("url.path: /health", service.Output);
        Assert.DoesNotContain("http.response.status_code: 200 http.route: /health", service.Output);
    }

    [Fact]
    public async Task Nothing_is_exported_unasked()
    {
        await using var service = await ServiceProcess.StartAsync(Replica);
        await UseAsync(service);
        await service.SignalAsync("TERM");
        await service.ExitCodeAsync();
        Assert.DoesNotContain("Instrumentation scope", service.Output);
    }

    [Theory]
    [InlineData("http/protobuf", "/v1/metrics", "/v1/traces", "/v1/logs")]
    [InlineData(
        "grpc",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export")]
    public async Task A_collector_gets_metrics_traces_and_logs_of_the_replica(string protocol, string metrics, string traces, string logs)
    {
        await using var collector = await Collector.StartAsync(protocol);
        await using var service = await ServiceProcess.StartAsync(
            [.. Replica, ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        await UseAsync(service);

        await collector.Until(metrics, "clusteraspire.compute_lane.run_time", "http.server.request.duration", "replica-7");
        await collector.Until(traces, "compute_lane queue", "compute_lane run", "/slow", "replica-7");
        await collector.Until(logs, "Now listening on", "replica-7");
    }

    [Fact]
    public async Task A_collector_that_is_not_there_fails_no_request_and_does_not_keep_the_service_from_stopping()
    {
        await using var service = await ServiceProcess.StartAsync([.. Replica, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
        await UseAsync(service);
        await service.SignalAsync("TERM");
        Assert.Equal(0, await service.ExitCodeAsync());
    }
}
