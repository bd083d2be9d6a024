using System.Diagnostics;
using System.Diagnostics.Metrics;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Upstreams;

using ClusterAspire.Replica.Telemetry;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>The load balancer's instruments; times in seconds, as OpenTelemetry has it.</summary>
internal sealed class BalancerMetrics
{
    /// <summary>The meter's and the activity source's name.</summary>
    public const string Name = "ClusterAspire.LoadBalancer";

    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _queueTime;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _retries;

    /// <summary>Creates the instruments.</summary>
    public BalancerMetrics(IMeterFactory meters, UpstreamCatalog replicas, ComputeQueue queue)
    {
        var meter = meters.Create(Name);
        _duration = meter.CreateDurations("clusteraspire.upstream.request.duration", "Time a replica took to answer.");
        _queueTime = meter.CreateDurations("clusteraspire.compute_queue.time", "Time a compute request waited for a free core.");
        _rejected = meter.CreateCounter<long>("clusteraspire.compute_queue.rejected", "{request}", "Compute requests answered 503.");
        _retries = meter.CreateCounter<long>("clusteraspire.upstream.retries", "{retry}", "Requests repeated on another replica.");
        meter.CreateObservableGauge("clusteraspire.compute_queue.length", () => queue.Length, "{request}", "Compute requests waiting for a free core.");
        meter.CreateObservableGauge(
            "clusteraspire.upstream.active_requests",
            () => replicas.All.Select(replica => new Measurement<int>(replica.InFlight, Instance(replica))),
            "{request}",
            "Requests a replica is working on.");
        meter.CreateObservableGauge(
            "clusteraspire.upstream.upgraded_connections",
            () => replicas.All.Select(replica => new Measurement<int>(replica.Upgraded, Instance(replica))),
            "{connection}",
            "Connections to a replica that changed their protocol, such as WebSockets.");
        meter.CreateObservableGauge(
            "clusteraspire.upstream.compute_slots.used",
            () => replicas.All.Select(replica => new Measurement<int>(replica.ComputeInFlight, Instance(replica))),
            "{slot}",
            "Compute slots of a replica in use.");
        meter.CreateObservableCounter(
            "clusteraspire.upstream.restarts",
            () => replicas.All.Select(replica => new Measurement<int>(replica.Restarts, Instance(replica))),
            "{restart}",
            "How often a replica came back as another process.");
    }

    /// <summary>A replica answered, or failed to.</summary>
    /// <param name="replica">The replica.</param>
    /// <param name="method">What telemetry calls the method.</param>
    /// <param name="status">The status that the client gets.</param>
    /// <param name="route">The route's pattern.</param>
    /// <param name="duration">How long it took.</param>
    public void Answered(Upstream replica, string method, int status, string route, TimeSpan duration)
    {
        if (_duration.Enabled)
        {
            _duration.Record(duration.TotalSeconds, new TagList
            {
                Instance(replica),
                { "http.route", route },
                { "http.request.method", method },
                { "http.response.status_code", status },
            });
        }
    }

    /// <summary>A compute request's wait is over.</summary>
    public void ComputeQueued(TimeSpan wait, Activity? activity)
    {
        _queueTime.Record(wait.TotalSeconds);
        activity?.SetTag("clusteraspire.compute_queue.time", wait.TotalSeconds);
    }

    /// <summary>A compute request was answered 503.</summary>
    public void ComputeRejected(string reason) => _rejected.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    /// <summary>A request goes to another replica.</summary>
    public void Retried() => _retries.Add(1);

    private static KeyValuePair<string, object?> Instance(Upstream replica) => new("service.instance.id", replica.Name);
}
