namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Refuses CONNECT: the load balancer opens no tunnels, and no replica is to blame for that.</summary>
internal sealed class MethodMiddleware(RequestDelegate next)
{
    /// <summary>Handles a request.</summary>
    // WebSocket over HTTP/2 is a CONNECT with a protocol (RFC 8441) and is allowed.
    public Task InvokeAsync(HttpContext context) =>
        HttpMethods.IsConnect(context.Request.Method) && !HttpProtocol.IsHttp2(context.Request.Protocol)
            ? Results.Problem("The load balancer opens no tunnels.", statusCode: StatusCodes.Status501NotImplemented).ExecuteAsync(context)
            : next(context);
}
