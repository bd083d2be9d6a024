using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>What a request asks for: its route, and a hash of its path and query.</summary>
/// <param name="Route">The route's id.</param>
/// <param name="Hash">The hash; .NET's own is keyed anew in each process, so nobody can make others collide with it.</param>
internal readonly record struct RequestTarget(string Route, int Hash)
{
    /// <summary>The target of a request.</summary>
    public static RequestTarget Of(HttpContext context) => new(
        context.GetReverseProxyFeature().Route.Config.RouteId,
        HashCode.Combine(context.Request.Path.Value, context.Request.QueryString.Value));
}
