using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>The load balancer's own answers, as ProblemDetails (RFC 9457).</summary>
internal static class Refusals
{
    /// <summary>Why there is nobody to send a request to.</summary>
    public const string NoReplica = "No replica is serving; they may be restarting. Try again shortly.";

    /// <summary>Answers 503 with <c>Retry-After</c>.</summary>
    public static Task RefuseAsync(this HttpContext context, string detail)
    {
        context.Response.Headers.RetryAfter = "1";
        return Results.Problem(detail, statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
    }

    /// <summary>Says in a body why forwarding failed; the status is the one YARP chose.</summary>
    public static Task ExplainAsync(this HttpContext context, ForwarderError error) =>
        Results.Problem(
            context.Response.StatusCode switch
            {
                StatusCodes.Status502BadGateway => "The replica could not be reached or broke the connection before it answered.",
                StatusCodes.Status503ServiceUnavailable => NoReplica,
                StatusCodes.Status504GatewayTimeout => "The replica did not answer in time.",
                _ => $"Forwarding failed: {error}.",
            },
            statusCode: context.Response.StatusCode).ExecuteAsync(context);
}
