using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.LoadBalancer.Page.Tests.Otlp;

/// <summary>An OTLP endpoint that keeps what it is sent, over gRPC and over HTTP.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Collector(WebApplication app) => _app = app;

    /// <summary>Everything received, by resource.</summary>
    public Received Data => _app.Services.GetRequiredService<Received>();

    /// <summary>Where it listens, by the value of <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>.</summary>
    public Uri Endpoint(string protocol)
    {
        var addresses = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToList();
        return new(addresses[protocol is "grpc" ? 0 : 1]);
    }

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
        app.MapPost("/v1/traces", async (HttpRequest request, Received received) => received.Add(TracesRequest.Parser.ParseFrom(await ReadAsync(request))));
        app.MapPost("/v1/metrics", async (HttpRequest request, Received received) => received.Add(MetricsRequest.Parser.ParseFrom(await ReadAsync(request))));
        await app.StartAsync();
        return new(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task<byte[]> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    internal sealed class Received
    {
        private readonly ConcurrentQueue<(string Instance, Span Span)> _spans = new();
        private readonly ConcurrentQueue<(string Instance, Metric Metric)> _metrics = new();

        public IReadOnlyList<(string Instance, Span Span)> Spans => [.. _spans];

        public IReadOnlyList<(string Instance, Metric Metric)> Metrics => [.. _metrics];

        public void Add(TracesRequest request)
        {
            foreach (var resource in request.Resources)
            {
                foreach (var span in resource.Scopes.SelectMany(scope => scope.Spans))
                {
                    _spans.Enqueue((Instance(resource.Resource), span));
                }
            }
        }

        public void Add(MetricsRequest request)
        {
            foreach (var resource in request.Resources)
            {
                foreach (var metric in resource.Scopes.SelectMany(scope => scope.Metrics))
                {
                    _metrics.Enqueue((Instance(resource.Resource), metric));
                }
            }
        }

        private static string Instance(Resource resource) =>
            resource.Attributes.Single(attribute => attribute.Key == "service.instance.id").Value.Text;
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
}
