using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>A replica made of a real Kestrel and a handler of the test's.</summary>
internal sealed class UpstreamServer : IUpstream, IAsyncDisposable
{
    private readonly WebApplication _app;

    private UpstreamServer(WebApplication app) => _app = app;

    public string Name { get; private init; } = "";

    public Uri Address { get; private set; } = null!;

    public int Requests => _requests;

    private int _requests;

    /// <summary>What <c>/health</c> says next; null is a 404.</summary>
    public Func<IResult>? Health { get; set; }

    public static async Task<UpstreamServer> StartAsync(string name, RequestDelegate handler, int port = 0, int cores = 1, Action<WebApplication>? build = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Services.AddRouting();
        var app = builder.Build();
        var startedAt = DateTimeOffset.UtcNow;
        var upstream = new UpstreamServer(app) { Name = name };
        upstream.Health = () => Results.Json(
            new { status = "Healthy", name, pid = 1, cores, startedAt, computeRoutes = new[] { new { method = (string?)null, pattern = "/slow" } } });
        build?.Invoke(app);
        app.Run(context =>
        {
            if (context.Request.Path == "/health")
            {
                return (upstream.Health?.Invoke() ?? Results.NotFound()).ExecuteAsync(context);
            }

            Interlocked.Increment(ref upstream._requests);
            return handler(context);
        });
        await app.StartAsync();
        upstream.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return upstream;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
