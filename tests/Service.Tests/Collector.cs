using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Service.Tests;

/// <summary>
/// Receives OTLP and keeps what it got. Names and values are plain UTF-8 in protobuf, so that finding them needs no schema.
/// </summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, string> _received = new();
    private readonly WebApplication _app;

    private Collector(WebApplication app) => _app = app;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public string Address => _app.Urls.First();

    public static async Task<Collector> StartAsync(string protocol)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint =>
            endpoint.Protocols = protocol == "grpc" ? HttpProtocols.Http2 : HttpProtocols.Http1));
        var app = builder.Build();
        var collector = new Collector(app);
        app.Run(collector.ReceiveAsync);
        await app.StartAsync(Cancel);
        return collector;
    }

    public async Task Until(string path, params string[] texts)
    {
        foreach (var text in texts)
        {
            await Eventually.IsTrueAsync(() => _received.TryGetValue(path, out var got) && got.Contains(text, StringComparison.Ordinal), $"{path} gets '{text}'");
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        _received.AddOrUpdate(context.Request.Path, _ => Text(), (_, before) => before + Text());
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true)
        {
            // An empty message: not compressed, of length 0.
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted);
            context.Response.AppendTrailer("grpc-status", "0");
        }

        string Text() => Encoding.UTF8.GetString(body.ToArray());
    }
}
