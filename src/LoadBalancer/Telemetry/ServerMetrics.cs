using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>ASP.NET Core's own instruments, for the requests that the edge serves in its place: one series, whoever served.</summary>
internal sealed class ServerMetrics
{
    private readonly Histogram<double> _duration;
    private readonly UpDownCounter<long> _active;

    /// <summary>Creates the instruments.</summary>
    public ServerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Microsoft.AspNetCore.Hosting");
        _duration = meter.CreateHistogram<double>("http.server.request.duration", "s", "Duration of HTTP server requests.");
        _active = meter.CreateUpDownCounter<long>("http.server.active_requests", "{request}", "Number of active HTTP server requests.");
    }

    /// <summary>A request has come, or has ended.</summary>
    /// <param name="change">1 or -1.</param>
    /// <param name="method">The method.</param>
    /// <param name="scheme">The scheme.</param>
    public void Active(int change, string method, string scheme)
    {
        if (_active.Enabled)
        {
            _active.Add(change, new TagList { { "http.request.method", method }, { "url.scheme", scheme } });
        }
    }

    /// <summary>A request has been answered.</summary>
    /// <param name="method">The method.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="route">The route's pattern.</param>
    /// <param name="status">The response's status code.</param>
    /// <param name="duration">How long it took.</param>
    public void Answered(string method, string scheme, string route, int status, TimeSpan duration)
    {
        if (_duration.Enabled)
        {
            _duration.Record(duration.TotalSeconds, new TagList
            {
                { "http.request.method", method },
                { "url.scheme", scheme },
                { "network.protocol.version", "1.1" },
                { "http.response.status_code", status },
                { "http.route", route },
            });
        }
    }
}
