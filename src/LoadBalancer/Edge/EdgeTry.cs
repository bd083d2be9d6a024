using System.Diagnostics;
using ClusterAspire.LoadBalancer.Forwarding;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>A try that failed at the edge, before the response started: the request goes on from there YARP's way.</summary>
/// <param name="tries">What it has had: this one.</param>
/// <param name="replica">Which replica failed it.</param>
/// <param name="error">How; null when the replica refused it.</param>
/// <param name="startedAt">When it began.</param>
internal sealed class EdgeTry(Tries tries, Upstream replica, IForwarderErrorFeature? error, DateTimeOffset startedAt)
{
    private bool _isTaken;

    /// <summary>What the request has had.</summary>
    public Tries Tries => tries;

    /// <summary>The failed try of a request, once; null when it has had none.</summary>
    public static EdgeTry? TakeFrom(HttpContext context)
    {
        if (context.Features.Get<EdgeTry>() is not { _isTaken: false } failed)
        {
            return null;
        }

        // The feature belongs to the connection, and its next request is another one.
        failed._isTaken = true;
        return failed;
    }

    /// <summary>Leaves the request as it would be had YARP tried it.</summary>
    public void ApplyTo(HttpContext context)
    {
        context.Features.Set(error);
        context.Response.StatusCode = error?.Error is ForwarderError.RequestTimedOut ? StatusCodes.Status504GatewayTimeout : StatusCodes.Status502BadGateway;
        if (BalancerTraces.HaveListeners)
        {
            using var span = BalancerTraces.StartTry(RequestMethod.Of(context.Request), context.Request.PathBase + context.Request.Path, replica, 0, startedAt);
            span?.EndTry(error is null ? StatusCodes.Status503ServiceUnavailable : context.Response.StatusCode, error);
        }
    }
}

/// <summary>YARP's words for what failed at the edge.</summary>
/// <param name="Error">What.</param>
/// <param name="Exception">Why.</param>
internal sealed record EdgeError(ForwarderError Error, Exception? Exception) : IForwarderErrorFeature;
