using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Buffering;
using ClusterAspire.LoadBalancer.Edge;
using ClusterAspire.LoadBalancer.Forwarding;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// Tries a request on another replica when one fails it before the response has started, as far as <see cref="RetryPolicy"/>
/// allows; each replica at most once. Refuses what is on the <see cref="PoisonList"/>.
/// </summary>
internal sealed class RetryMiddleware(
    RequestDelegate next, RequestClasses classes, RequestBodies bodies, RetryBudget budget, RetryPolicy policy, PoisonList poison, BalancerMetrics metrics)
{
    /// <summary>Handles a request, all its tries.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        budget.Deposit();
        if (poison.Contains(RequestTarget.Of(context), () => $"{RequestMethod.Of(context.Request)} {context.Request.Path}"))
        {
            await context.RefuseAsync("This request ended two replicas; it is refused for a minute.");
            return;
        }

        var proxy = context.GetReverseProxyFeature();
        var computeRoute = proxy.AvailableDestinations.Count > 0 ? await classes.ComputeRouteAsync(context) : null;
        var failedAtEdge = EdgeTry.TakeFrom(context);
        var tries = failedAtEdge?.Tries ?? new Tries(policy, context.GetRouteModel().Cluster!, IsSafe(context), computeRoute);
        context.Features.Set(tries);
        await bodies.ReceiveAsync(context, tries.IsCompute);

        while (true)
        {
            if (failedAtEdge is not null)
            {
                failedAtEdge.ApplyTo(context);
            }
            else if (proxy.AvailableDestinations.Count == 0)
            {
                await context.RefuseAsync(Refusals.NoReplica);
                return;
            }
            else
            {
                tries.Start();
                await next(context);
            }

            if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            var error = context.Features.Get<IForwarderErrorFeature>();
            var kind = error?.Kind();
            if (kind is TryFailure.Gone)
            {
                context.Response.StatusCode = StatusCodes.Status504GatewayTimeout;
            }

            if (failedAtEdge is null && kind is not null && proxy.ProxiedDestination is { } failed)
            {
                tries.Fail(failed, kind.Value);
            }

            if (!tries.Again)
            {
                if (error is not null)
                {
                    await context.ExplainAsync(error.Error);
                }
                else if (failedAtEdge is not null)
                {
                    await context.RefuseAsync(Refusals.NoReplica);
                }

                return;
            }

            failedAtEdge = null;

            metrics.Retried();
            RequestBodies.Rewind(context);
            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
            proxy.ProxiedDestination = null;
            proxy.AvailableDestinations = tries.Left;
        }
    }

    private static bool IsSafe(HttpContext context) =>
        // Methods are case-sensitive: nothing is known about "get".
        context.Request.Method is "GET" or "HEAD" or "OPTIONS"
        // A body that has been read cannot be sent twice.
        && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not true;
}
