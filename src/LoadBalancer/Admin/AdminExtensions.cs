using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Mvc;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>Maps the admin port.</summary>
internal static class AdminExtensions
{
    // Two texts of 200 characters, escaped.
    private const int LongestEvent = 16 * 1024;

    /// <summary>Maps the replica API, the event API and the metrics.</summary>
    public static void MapAdmin(this WebApplication app)
    {
        app.UseMiddleware<AdminGuard>();
        var admin = app.MapGroup("").WithMetadata(AdminOnly.Instance).DisableHttpMetrics();
        admin.MapGet("/api/replicas", (UpstreamCatalog replicas) => replicas.All.Select(replica => replica.Status));
        admin.MapPost("/api/events", (ReportedEvent reported, BalancerEvents events) =>
        {
            if (!reported.IsValid)
            {
                return Results.Problem(ReportedEvent.Rule, statusCode: StatusCodes.Status400BadRequest);
            }

            events.Reported(reported.Subject!, reported.Text!);
            return Results.NoContent();
        }).WithMetadata(new RequestSizeLimitAttribute(LongestEvent));
        admin.MapPrometheusScrapingEndpoint("/metrics");
    }
}
