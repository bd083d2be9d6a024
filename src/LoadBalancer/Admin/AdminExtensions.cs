using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Supervision;
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
        app.UseMiddleware<InstanceProbe>();
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
        var cluster = admin.MapGroup("/api/cluster");
        cluster.MapPost("/reload", (ClusterCommands commands) => AnswerAsync(commands.ReloadAsync()));
        cluster.MapPost("/reload/{name}", (string name, ClusterCommands commands) => AnswerAsync(commands.ReloadAsync(name)));
        cluster.MapPost("/scale/{replicas}", (string replicas, ClusterCommands commands) => AnswerAsync(commands.ScaleAsync(replicas)));
        admin.MapPrometheusScrapingEndpoint("/metrics");
    }

    private static async Task<IResult> AnswerAsync(Task<CommandResult> command)
    {
        var result = await command;
        return result.IsDone
            ? Results.Json(new { result.Text })
            : Results.Problem(result.Text, statusCode: result.IsTaken ? StatusCodes.Status409Conflict : StatusCodes.Status404NotFound);
    }
}
