using ClusterAspire.Tests.Otlp;
using Xunit;

namespace ClusterAspire.LoadBalancer.Page.Tests;

public sealed class OtlpTests
{
    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task One_trace_tells_of_queue_try_replica_and_lane_and_no_probe_is_traced(string protocol)
    {
        await using var collector = await Collector.StartAsync();
        await using var cluster = await StartAsync(protocol, collector.Endpoint(protocol));

        using var response = await cluster.Client.GetAsync("/slow?iterations=1000", TestContext.Current.CancellationToken);
        var replica = Assert.Single(response.Headers.GetValues("X-Replica"));

        string[] wanted = ["compute_queue", "compute_lane queue", "compute_lane run"];
        List<(string Instance, Span Span)> trace = [];
        await Eventually.AnswersAsync(() =>
        {
            var spans = collector.Data.Spans;
            var id = spans.FirstOrDefault(span => Is(span.Span, "clusteraspire.replica", replica) && InSlow(spans, span.Span)).Span?.TraceId;
            trace = [.. spans.Where(span => span.Span.TraceId.Equals(id))];
            return Task.FromResult(wanted.All(name => trace.Any(span => span.Span.Name == name)));
        });
        Assert.Contains(trace, span => span.Instance == "loadbalancer" && span.Span.Name == "compute_queue");
        Assert.Contains(trace, span => span.Instance == replica && span.Span.Name == "compute_lane run");
        Assert.DoesNotContain(collector.Data.Spans, span => span.Span.Attributes.Any(attribute => attribute.Value?.Text.Contains("/health", StringComparison.Ordinal) is true));
    }

    [Fact]
    public async Task The_sampler_of_the_environment_decides_which_requests_are_traced_and_a_traced_client_always_is()
    {
        const string Sampled = "0af7651916cd43dd8448eb211c80319c";
        await using var collector = await Collector.StartAsync();
        await using var cluster = await StartAsync("grpc", collector.Endpoint("grpc"), ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0"));
        foreach (var path in (string[])["/fast", "/slow?iterations=1000"])
        {
            await cluster.Client.GetStringAsync(path, TestContext.Current.CancellationToken);
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "traceparent", $"00-{Sampled}-b7ad6b7169203331-01" } } };
            using var response = await cluster.Client.SendAsync(request, TestContext.Current.CancellationToken);
        }

        string[] wanted = ["GET /fast", "GET /slow", "compute_queue", "compute_lane run"];
        await Eventually.IsTrueAsync(() => wanted.All(name => collector.Data.Spans.Any(span => span.Span.Name == name)));
        Assert.All(collector.Data.Spans, span => Assert.Equal(Sampled, Convert.ToHexStringLower(span.Span.TraceId.Span)));
    }

    [Fact]
    public async Task Every_instance_sends_its_metrics_under_its_name_in_seconds()
    {
        await using var collector = await Collector.StartAsync();
        await using var cluster = await StartAsync("grpc", collector.Endpoint("grpc"));
        foreach (var (instance, name) in LiveCluster.Replicas.Select(replica => (replica, "http.server.request.duration"))
            .Append(("loadbalancer", "http.server.request.duration")).Append(("loadbalancer", "clusteraspire.upstream.request.duration")))
        {
            await Eventually.AnswersAsync(async () =>
            {
                await cluster.Client.GetStringAsync("/fast");
                return collector.Data.Metrics.Any(metric => metric.Instance == instance && metric.Metric.Name == name && metric.Metric.Unit == "s");
            });
        }
    }

    [Fact]
    public async Task A_collector_that_is_not_there_fails_no_request()
    {
        await using var cluster = await StartAsync("grpc", "http://127.0.0.1:9");
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal("fast\n", await cluster.Client.GetStringAsync("/fast", TestContext.Current.CancellationToken));
        }
    }

    private static bool InSlow(IEnumerable<(string, Span Span)> spans, Span span) =>
        spans.Any(other => other.Span.TraceId.Equals(span.TraceId) && other.Span.Name.StartsWith("compute", StringComparison.Ordinal));

    private static bool Is(Span span, string key, string value) =>
        span.Attributes.Any(attribute => attribute.Key == key && attribute.Value.Text == value);

    private static async Task<LiveCluster> StartAsync(string protocol, string endpoint, params (string Key, string Value)[] settings)
    {
        var cluster = new LiveCluster
        {
            Settings =
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint,
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
                ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
            },
        };
        foreach (var (key, value) in settings)
        {
            cluster.Settings[key] = value;
        }

        await cluster.InitializeAsync();
        return cluster;
    }
}
