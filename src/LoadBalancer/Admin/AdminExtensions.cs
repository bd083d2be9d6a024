using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>Maps the admin port.</summary>
internal static class AdminExtensions
{
    /// <summary>Maps the replica API, the event API and the metrics.</summary>
    public static void MapAdmin(this WebApplication app)
    {
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
        });
        admin.MapPrometheusScrapingEndpoint("/metrics");
    }
}
