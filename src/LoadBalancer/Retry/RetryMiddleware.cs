using ClusterAspire.LoadBalancer.Forwarding;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// Repeats a safe request on another replica when the connection fails or breaks before the response has
/// started, or when the replica refuses with 503 and <c>Retry-After</c>; each replica at most once.
/// </summary>
internal sealed class RetryMiddleware(RequestDelegate next, RetryBudget budget, BalancerMetrics metrics)
{
    /// <summary>Handles a request, all its tries.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        budget.Deposit();
        var proxy = context.GetReverseProxyFeature();
        var tries = IsSafe(context) ? new Tries(budget, context.GetRouteModel().Cluster!) : null;
        context.Features.Set(tries);

        while (true)
        {
            tries?.Start();
            if (proxy.AvailableDestinations.Count == 0)
            {
                await context.RefuseAsync(Refusals.NoReplica);
                return;
            }

            await next(context);

            if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            var error = context.Features.Get<IForwarderErrorFeature>();
            if (error is not null && proxy.ProxiedDestination is { } failed)
            {
                tries?.Fail(failed);
            }

            if (tries is not { Again: true })
            {
                if (error is not null)
                {
                    await context.ExplainAsync(error.Error);
                }

                return;
            }

            metrics.Retried();
            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
            proxy.ProxiedDestination = null;
            proxy.AvailableDestinations = tries.Left;
        }
    }

    private static bool IsSafe(HttpContext context) =>
        (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) || HttpMethods.IsOptions(context.Request.Method))
        // A body that has been read cannot be sent twice.
        && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not true;
}
