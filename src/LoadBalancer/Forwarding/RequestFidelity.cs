using System.Net;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Transforms;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Lets a request arrive as it was sent, where YARP would write it anew.</summary>
internal static class RequestFidelity
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    // Headers that the load balancer writes or that a replica needs: a client's Connection header cannot remove them.
    private static readonly HashSet<string> Kept = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "traceparent", "tracestate", "Expect",
    };

    /// <summary>Applies it, after the route's own transforms.</summary>
    /// <param name="context">The request.</param>
    /// <param name="isTransformed">Whether the route has transforms of its own.</param>
    public static void Apply(RequestTransformContext context, bool isTransformed)
    {
        var (request, sent) = (context.ProxyRequest, context.HttpContext.Request);

        // Methods are case-sensitive (RFC 9110, 9.1); for YARP, "get" is GET. An upgrade has a method of YARP's choice.
        if (request.Method.Method != sent.Method
            && request.Method.Method.Equals(sent.Method, StringComparison.OrdinalIgnoreCase))
        {
            request.Method = new HttpMethod(sent.Method);
        }

        // gRPC needs trailers and does not work over HTTP/1.1.
        if (HttpProtocol.IsHttp2(sent.Protocol) && sent.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) is true)
        {
            (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        }

        RemoveConnectionFields(request, sent);
        SetTarget(context, request, sent, isTransformed);
    }

    // Fields that Connection names belong to the connection and end here (RFC 9110, 7.6.1).
    private static void RemoveConnectionFields(HttpRequestMessage request, HttpRequest sent)
    {
        var connection = sent.Headers.Connection;
        if (connection.Count == 0 || connection is ["keep-alive" or "close" or "Keep-Alive" or "Upgrade"])
        {
            return;
        }

        foreach (var option in connection.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Kept.Contains(option) && request.Headers.NonValidated.Contains(option))
            {
                request.Headers.Remove(option);
            }
        }
    }

    // The decoded path is for routing only. The replica gets the path as the client sent it, unless the route's transforms changed it.
    private static void SetTarget(RequestTransformContext context, HttpRequestMessage request, HttpRequest sent, bool isTransformed)
    {
        if (request.RequestUri is not null
            || (context.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget is not { Length: > 0 } target)
            || (isTransformed && (context.Path != sent.Path || context.Query.QueryString != sent.QueryString)))
        {
            return;
        }

        var prefix = context.DestinationPrefix.AsSpan().TrimEnd('/');
        if (target[0] == '/')
        {
            request.RequestUri = new Uri(string.Concat(prefix, target), Verbatim);
        }
        else if (target == "*")
        {
            request.RequestUri = new Uri(context.DestinationPrefix);
            request.Options.Set(RequestHead.Target, target);
        }
        else if (target.IndexOf("://", StringComparison.Ordinal) is > 0 and var scheme)
        {
            // The absolute form: without scheme and authority (RFC 9112, 3.2.2).
            var path = target.AsSpan(scheme + 3);
            var start = path.IndexOfAny('/', '?');
            path = start < 0 ? default : path[start..];
            request.RequestUri = new Uri(string.Concat(prefix, path is ['/', ..] ? "" : "/", path), Verbatim);
        }
    }
}
