using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>What a request asks for: its route, and a hash of its path and query.</summary>
/// <param name="Route">The route's id.</param>
/// <param name="Hash">The hash; .NET's own is keyed anew in each process, so nobody can make others collide with it.</param>
internal readonly record struct RequestTarget(string Route, int Hash)
{
    /// <summary>The target of a request.</summary>
    public static RequestTarget Of(HttpContext context) => Of(
        context.GetReverseProxyFeature().Route.Config.RouteId, context.Request.Path.Value, context.Request.QueryString.Value);

    /// <summary>The target of a request.</summary>
    /// <param name="route">The route's id.</param>
    /// <param name="path">The path, decoded.</param>
    /// <param name="query">The query with its <c>?</c>, or nothing.</param>
    public static RequestTarget Of(string route, ReadOnlySpan<char> path, ReadOnlySpan<char> query) =>
        new(route, HashCode.Combine(string.GetHashCode(path), string.GetHashCode(query)));
}
