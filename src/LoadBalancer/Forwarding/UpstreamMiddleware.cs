using System.Diagnostics;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Health;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Measures one try against one replica, and tells the probe of connections that failed.</summary>
internal sealed class UpstreamMiddleware(RequestDelegate next, UpstreamCatalog replicas, ReplicaProbe probe, BalancerMetrics metrics)
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
        var started = Stopwatch.GetTimestamp();
        replica.Begin();
        using var span = BalancerTraces.StartTry(context.Request, replica, context.Features.Get<Tries>()?.Failed.Count ?? 0);
        try
        {
            await next(context);
        }
        finally
        {
            replica.End();
        }

        var duration = Stopwatch.GetElapsedTime(started);
        var route = proxy.Route.Config;
        metrics.Answered(replica, context, route.Match.Path ?? route.RouteId, duration);

        var error = context.Features.Get<IForwarderErrorFeature>();
        span?.EndTry(context.Response, error);
        if (error is null)
        {
            (proxy.Route.IsCompute() ? replica.Compute : replica.Light).Record(duration);
        }
        else
        {
            Tell(error, context, replica);
        }
    }

    private void Tell(IForwarderErrorFeature error, HttpContext context, Upstream replica)
    {
        if (error is { Error: ForwarderError.Request, Exception: HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } })
        {
            probe.Refused(context.GetRouteModel().Cluster!, replica);
        }
        else
        {
            probe.Suspect(replica.Destination);
        }
    }
}
