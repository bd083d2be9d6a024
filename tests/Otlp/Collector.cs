using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Tests.Otlp;

/// <summary>An OTLP endpoint that keeps what it is sent, over gRPC and over HTTP.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Collector(WebApplication app) => _app = app;

    /// <summary>Everything that it was sent so far, by the instance that sent it.</summary>
    public Received Data => _app.Services.GetRequiredService<Received>();

    /// <summary>Where it listens, by the value of <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>.</summary>
    public string Endpoint(string protocol) => _app.Urls.ElementAt(protocol is "grpc" ? 0 : 1);

    public static async Task<Collector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton<Received>();
        builder.Services.AddGrpc();
        var app = builder.Build();
        app.MapGrpcService<Traces>();
        app.MapGrpcService<Metrics>();
        app.MapGrpcService<Logs>();
        app.MapPost("/v1/traces", async (HttpRequest request, Received received) => received.Add(await ReadAsync(request, TracesRequest.Parser)));
        app.MapPost("/v1/metrics", async (HttpRequest request, Received received) => received.Add(await ReadAsync(request, MetricsRequest.Parser)));
        app.MapPost("/v1/logs", async (HttpRequest request, Received received) => received.Add(await ReadAsync(request, LogsRequest.Parser)));
        await app.StartAsync();
        return new(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task<T> ReadAsync<T>(HttpRequest request, MessageParser<T> parser)
        where T : IMessage<T>
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        return parser.ParseFrom(body.ToArray());
    }

    internal sealed class Received
    {
        private readonly ConcurrentQueue<(string Instance, Span Span)> _spans = new();
        private readonly ConcurrentQueue<(string Instance, Metric Metric)> _metrics = new();
        private readonly ConcurrentQueue<(string Instance, string Text)> _logs = new();

        public IReadOnlyList<(string Instance, Span Span)> Spans => [.. _spans];

        public IReadOnlyList<(string Instance, Metric Metric)> Metrics => [.. _metrics];

        public IReadOnlyList<(string Instance, string Text)> Logs => [.. _logs];

        public void Add(TracesRequest request)
        {
            foreach (var resource in request.Resources)
            {
                Add(_spans, resource.Resource, resource.Scopes.SelectMany(scope => scope.Spans));
            }
        }

        public void Add(MetricsRequest request)
        {
            foreach (var resource in request.Resources)
            {
                Add(_metrics, resource.Resource, resource.Scopes.SelectMany(scope => scope.Metrics));
            }
        }

        public void Add(LogsRequest request)
        {
            foreach (var resource in request.Resources)
            {
                Add(_logs, resource.Resource, resource.Scopes.SelectMany(scope => scope.Records).Select(record => record.Body.Text));
            }
        }

        private static void Add<T>(ConcurrentQueue<(string, T)> all, Resource resource, IEnumerable<T> received)
        {
            var instance = resource.Attributes.Single(attribute => attribute.Key == "service.instance.id").Value.Text;
            foreach (var one in received)
            {
                all.Enqueue((instance, one));
            }
        }
    }

    internal sealed class Traces(Received received) : TraceService.TraceServiceBase
    {
        public override Task<TracesResponse> Export(TracesRequest request, ServerCallContext context)
        {
            received.Add(request);
            return Task.FromResult(new TracesResponse());
        }
    }

    internal sealed class Metrics(Received received) : MetricsService.MetricsServiceBase
    {
        public override Task<MetricsResponse> Export(MetricsRequest request, ServerCallContext context)
        {
            received.Add(request);
            return Task.FromResult(new MetricsResponse());
        }
    }

    internal sealed class Logs(Received received) : LogsService.LogsServiceBase
    {
        public override Task<LogsResponse> Export(LogsRequest request, ServerCallContext context)
        {
            received.Add(request);
            return Task.FromResult(new LogsResponse());
        }
    }
}
