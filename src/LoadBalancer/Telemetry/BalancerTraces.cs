using System.Diagnostics;
using System.Globalization;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>The spans of a request on its way through the balancer: its wait for a core, and each try.</summary>
internal static class BalancerTraces
{
    private static readonly ActivitySource Source = new(BalancerMetrics.Name);

    /// <summary>A compute request waits for a core until this is disposed.</summary>
    public static Activity? StartWait() => Source.StartActivity("compute_queue");

    /// <summary>A replica has a request until this is disposed: OpenTelemetry's span of an HTTP client.</summary>
    /// <remarks>
    /// In place of YARP's and HttpClient's own: one span a try says all that the three said, for a third of the cost.
    /// </remarks>
    /// <param name="request">The request.</param>
    /// <param name="replica">Which replica.</param>
    /// <param name="failed">How many replicas failed the request before.</param>
    public static Activity? StartTry(HttpRequest request, Upstream replica, int failed)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var method = RequestMethod.Of(request);
        var span = Source.StartActivity(method is RequestMethod.Other ? "HTTP" : method, ActivityKind.Client);
        if (span is { IsAllDataRequested: true })
        {
            var address = new Uri(replica.Address);
            span.SetTag("clusteraspire.replica", replica.Name)
                .SetTag("http.request.method", method)
                .SetTag("server.address", address.Host)
                .SetTag("server.port", address.Port)
                // Without the query, which may say what is nobody's business.
                .SetTag("url.full", address.GetLeftPart(UriPartial.Authority) + request.PathBase + request.Path);
            if (failed > 0)
            {
                span.SetTag("http.request.resend_count", failed);
            }
        }

        return span;
    }

    /// <summary>The replica answered, or failed to.</summary>
    public static void EndTry(this Activity span, HttpResponse response, IForwarderErrorFeature? error)
    {
        if (error is not null)
        {
            span.SetTag("error.type", error.Error.ToString()).SetStatus(ActivityStatusCode.Error);
            return;
        }

        span.SetTag("http.response.status_code", response.StatusCode);
        if (response.StatusCode >= 400)
        {
            span.SetTag("error.type", response.StatusCode.ToString(CultureInfo.InvariantCulture)).SetStatus(ActivityStatusCode.Error);
        }
    }
}
