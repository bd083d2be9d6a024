using System.Runtime.CompilerServices;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Forwarding;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using ClusterAspire.LoadBalancer.Listening;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.ObjectPool;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>
/// Serves plain HTTP/1.1 requests at a fraction of YARP's cost: from the client's connection to the replica's, without middleware in
/// between. Policy, figures, probes, retries and connections are the same as with YARP.
/// </summary>
internal sealed class EdgeServer(
    EdgeRoutes routes,
    RequestClasses classes,
    CoreAwarePolicy policy,
    UpstreamCatalog replicas,
    UpstreamConnections connections,
    TryReports reports,
    RetryBudget budget,
    RetryPolicy retries,
    PoisonList poison,
    BalancerMetrics metrics,
    ServerMetrics server,
    TraceSampler sampler,
    IOptions<LoadBalancerOptions> options,
    OpenConnections open,
    TimeProvider time) : IDisposable
{
    private const int MostIdleExchanges = 1024;

    private readonly ConditionalWeakTable<Upstream, Address> _addresses = [];
    private readonly ConnectionPools _pools = new(HttpClientConfig.Empty, connections, usesLinks: true, ReplicaClients.ConnectTimeout);

    /// <summary>For requests that are being served.</summary>
    public ObjectPool<EdgeExchange> Exchanges { get; } = new DefaultObjectPool<EdgeExchange>(new DefaultPooledObjectPolicy<EdgeExchange>(), MostIdleExchanges);

    /// <summary>The route it serves, or null: while connections are to end with their next response, that is Kestrel's to say.</summary>
    public EdgeRoute? Route => open.AreClosing ? null : routes.Current;

    /// <summary>What the user chose.</summary>
    public LoadBalancerOptions Options => options.Value;

    /// <summary>What YARP's way tells of its tries, told here too.</summary>
    public TryReports Reports => reports;

    /// <summary>Decides what is tried again.</summary>
    public RetryPolicy Retries => retries;

    /// <inheritdoc cref="BalancerMetrics"/>
    public BalancerMetrics Metrics => metrics;

    /// <inheritdoc cref="ServerMetrics"/>
    public ServerMetrics Server => server;

    /// <inheritdoc cref="TraceSampler"/>
    public TraceSampler Sampler => sampler;

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Whether a request may be served here: it is light, and no suspect.</summary>
    public bool Takes(EdgeRoute route, EdgeRequest request, RequestTarget target) =>
        classes.IsLight(route.Cluster, request.Path)
        && !IsOwn(request.Path)
        && !poison.Refuses(target);

    /// <summary>Picks the replica for a request, and finds the connections to it; null where there is none, or none for the edge.</summary>
    public (Upstream Replica, ConnectionPool Pool)? Pick(EdgeRoute route)
    {
        if (policy.Pick(route.Cluster.DestinationsState.AvailableDestinations, static _ => true) is not { } destination)
        {
            return null;
        }

        var replica = replicas[destination];
        var address = _addresses.TryGetValue(replica, out var known) ? known : _addresses.GetValue(replica, Find);
        _pools.Used();
        return address.Pool is { } pool && ReferenceEquals(address.Destination, replica.Destination.Model) ? (replica, pool) : Moved(replica);
    }

    /// <summary>A replica answered a request.</summary>
    public void Answered(RequestTarget target)
    {
        budget.Deposit();
        poison.Answered(target);
    }

    /// <inheritdoc/>
    public void Dispose() => _pools.Dispose();

    // The balancer's own.
    private static bool IsOwn(ReadOnlySpan<char> path) =>
        path.TrimEnd('/') is var trimmed && (trimmed.Equals(Contract.Probes.Health, StringComparison.OrdinalIgnoreCase) || trimmed.Equals(Contract.Probes.Alive, StringComparison.OrdinalIgnoreCase));

    private (Upstream Replica, ConnectionPool Pool)? Moved(Upstream replica)
    {
        var address = Find(replica);
        _addresses.AddOrUpdate(replica, address);
        return address.Pool is { } pool ? (replica, pool) : null;
    }

    // YARP serves destinations with a path or with HTTPS.
    private Address Find(Upstream replica) => new(
        replica.Destination.Model,
        new Uri(replica.Address) is { Scheme: "http", PathAndQuery: "/" } address ? _pools[address.IdnHost, address.Port, false] : null);

    private sealed record Address(DestinationModel Destination, ConnectionPool? Pool);
}
