using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Measures one try against one replica, and reports what became of it.</summary>
internal sealed class UpstreamMiddleware(
    RequestDelegate next, UpstreamCatalog replicas, TryReports reports, PoisonList poison, BalancerMetrics metrics, TimeProvider time)
{
    /// <summary>Handles one try of a request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        if (proxy.AvailableDestinations is not [var destination])
        {
            await next(context);
            return;
        }

        var replica = replicas[destination];
        var tries = context.Features.GetRequiredFeature<Tries>();
        var method = RequestMethod.Of(context.Request);
        var cluster = context.GetRouteModel().Cluster!;
        var started = time.GetTimestamp();
        var run = replica.Run;
        replica.Begin();
        using var span = BalancerTraces.StartTry(context.Request, replica, tries.Failed.Count);
        try
        {
            await next(context);
        }
        finally
        {
            replica.End();
            if (tries.RespondedAt != 0)
            {
                var isWhole = !tries.IsUpgraded && context.Features.Get<IForwarderErrorFeature>() is null;
                reports.Responded(cluster, replica, started, isWhole ? time.GetTimestamp() : tries.RespondedAt);
                if (tries.IsUpgraded)
                {
                    replica.EndUpgraded();
                }
            }
        }

        // A response without a declared length may be a stream of any duration: its latency is the time to its start.
        var ended = tries.RespondedAt != 0 && context.Response.ContentLength is null ? tries.RespondedAt : time.GetTimestamp();
        var duration = time.GetElapsedTime(started, ended);
        var route = proxy.Route.Config;
        metrics.Answered(replica, method, context.Response.StatusCode, tries.ComputeRoute ?? route.Match.Path ?? route.RouteId, duration);

        var error = context.Features.Get<IForwarderErrorFeature>();
        if (error?.Error is ForwarderError.RequestBodyCanceled or ForwarderError.RequestBodyDestination or ForwarderError.RequestBodyClient
            && tries.RespondedAt != 0
            && !context.RequestAborted.IsCancellationRequested)
        {
            // The replica may answer before it has read the whole body.
            error = null;
            context.Features.Set(error);
        }

        span?.EndTry(context.Response.StatusCode, error);
        if (error is null)
        {
            if (!tries.IsUpgraded)
            {
                (tries.IsCompute ? replica.Compute : replica.Light).Record(duration);
            }

            poison.Answered(RequestTarget.Of(context));
            return;
        }

        reports.Failed(error, cluster, replica, RequestTarget.Of(context), run, started, context.Response.HasStarted);
    }
}
