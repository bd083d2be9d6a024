using System.Diagnostics;
using System.Globalization;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>The spans of a request on its way through the balancer: its wait for a core, and each try.</summary>
internal static class BalancerTraces
{
    private static readonly ActivitySource Source = new(BalancerMetrics.Name);

    // ASP.NET Core's source: it creates the spans of the requests that it serves.
    private static readonly ActivitySource Server = new("Microsoft.AspNetCore");

    /// <summary>The length of a <c>traceparent</c>, in bytes.</summary>
    public const int TraceParentLength = 55;

    /// <summary>Whether a listener wants the spans.</summary>
    public static bool HaveListeners => Server.HasListeners() || Source.HasListeners();

    /// <summary>The edge has a request until this is disposed: OpenTelemetry's span of an HTTP server, as ASP.NET Core makes it.</summary>
    /// <param name="method">What telemetry calls the method.</param>
    /// <param name="route">The route's pattern.</param>
    /// <param name="parent">The client's trace, if any.</param>
    public static Activity? StartRequest(string method, string route, ActivityContext parent)
    {
        var span = Server.StartActivity("Microsoft.AspNetCore.Hosting.HttpRequestIn", ActivityKind.Server, parent);
        span?.DisplayName = $"{method} {route}";
        return span;
    }

    /// <summary>A <c>traceparent</c> that has replicas trace nothing (W3C Trace Context, 3.2), with numbers of its own.</summary>
    /// <param name="field">Gets it, <see cref="TraceParentLength"/> bytes.</param>
    public static void WriteUnsampled(Span<byte> field)
    {
        Span<byte> numbers = stackalloc byte[24];
        Random.Shared.NextBytes(numbers);
        "00-"u8.CopyTo(field);
        Convert.TryToHexStringLower(numbers[..16], field[3..], out _);
        field[35] = (byte)'-';
        Convert.TryToHexStringLower(numbers[16..], field[36..], out _);
        "-00"u8.CopyTo(field[52..]);
    }

    /// <summary>A compute request waits for a core until this is disposed.</summary>
    public static Activity? StartWait() => Source.StartActivity("compute_queue");

    /// <summary>A replica has a request until this is disposed: OpenTelemetry's span of an HTTP client.</summary>
    /// <remarks>
    /// Replaces the spans of YARP and HttpClient: one span for each try has the same information for a third of the cost.
    /// </remarks>
    /// <param name="request">The request.</param>
    /// <param name="replica">Which replica.</param>
    /// <param name="failed">How many replicas failed the request before.</param>
    public static Activity? StartTry(HttpRequest request, Upstream replica, int failed) =>
        Source.HasListeners() ? StartTry(RequestMethod.Of(request), request.PathBase + request.Path, replica, failed) : null;

    /// <inheritdoc cref="StartTry(HttpRequest, Upstream, int)"/>
    /// <param name="method">What telemetry calls the method.</param>
    /// <param name="path">The path, with the path base and without the query.</param>
    /// <param name="replica">Which replica.</param>
    /// <param name="failed">How many replicas failed the request before.</param>
    /// <param name="started">When it began; now, if that is not given.</param>
    public static Activity? StartTry(string method, string path, Upstream replica, int failed, DateTimeOffset started = default)
    {
        var span = Source.StartActivity(method is RequestMethod.Other ? "HTTP" : method, ActivityKind.Client, default(ActivityContext), startTime: started);
        if (span is { IsAllDataRequested: true })
        {
            var address = new Uri(replica.Address);
            span.SetTag("clusteraspire.replica", replica.Name)
                .SetTag("http.request.method", method)
                .SetTag("server.address", address.Host)
                .SetTag("server.port", address.Port)
                // Without the query, which may contain private data.
                .SetTag("url.full", address.GetLeftPart(UriPartial.Authority) + path);
            if (failed > 0)
            {
                span.SetTag("http.request.resend_count", failed);
            }
        }

        return span;
    }

    /// <summary>The replica answered, or failed to.</summary>
    /// <param name="span">The try's span.</param>
    /// <param name="status">The response's status code.</param>
    /// <param name="error">How it failed, or null.</param>
    public static void EndTry(this Activity span, int status, IForwarderErrorFeature? error)
    {
        if (error is not null)
        {
            span.SetTag("error.type", error.Error.ToString()).SetStatus(ActivityStatusCode.Error);
            return;
        }

        span.SetTag("http.response.status_code", status);
        if (status >= 400)
        {
            span.SetTag("error.type", status.ToString(CultureInfo.InvariantCulture)).SetStatus(ActivityStatusCode.Error);
        }
    }
}
