using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Health;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Measures one try against one replica, and tells the probe of connections that failed.</summary>
internal sealed class UpstreamMiddleware(
    RequestDelegate next, UpstreamCatalog replicas, ReplicaProbe probe, PoisonList poison, BalancerMetrics metrics, TimeProvider time)
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
                Alive(context, replica, tries);
            }
        }

        // What has no length declared may be a stream, which lasts as long as both sides like: its latency is the time to its start.
        var ended = tries.RespondedAt != 0 && context.Response.ContentLength is null ? tries.RespondedAt : time.GetTimestamp();
        var duration = time.GetElapsedTime(started, ended);
        var route = proxy.Route.Config;
        metrics.Answered(replica, context, tries.ComputeRoute ?? route.Match.Path ?? route.RouteId, duration);

        var error = context.Features.Get<IForwarderErrorFeature>();
        if (error?.Error is ForwarderError.RequestBodyCanceled or ForwarderError.RequestBodyDestination or ForwarderError.RequestBodyClient
            && tries.RespondedAt != 0
            && !context.RequestAborted.IsCancellationRequested)
        {
            // The replica answered before it had read the whole body, which is its right.
            error = null;
            context.Features.Set(error);
        }

        span?.EndTry(context.Response, error);
        if (error is null)
        {
            if (!tries.IsUpgraded)
            {
                (tries.IsCompute ? replica.Compute : replica.Light).Record(duration);
            }

            poison.Answered(RequestTarget.Of(context));
            return;
        }

        switch (error.Kind())
        {
            case TryFailure.NotSent when error.Exception is HttpRequestException:
                probe.Refused(context.GetRouteModel().Cluster!, replica);
                break;
            case TryFailure.Broken when replica.State is not ReplicaState.Draining && !context.Response.HasStarted:
                poison.Broke(RequestTarget.Of(context), replica, run, started);
                probe.Suspect(replica.Destination);
                break;
            case not TryFailure.NotTheReplicas:
                probe.Suspect(replica.Destination);
                break;
        }
    }

    private void Alive(HttpContext context, Upstream replica, Tries tries)
    {
        replica.Answered();
        if (replica.IsSilent)
        {
            probe.SpeaksAgain(context.GetRouteModel().Cluster!, replica);
        }

        if (tries.IsUpgraded)
        {
            replica.EndUpgraded();
        }
    }
}
