using System.Runtime.CompilerServices;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Health;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Balancing;

/// <summary>
/// Decides which requests occupy a core, by the route's metadata or else by what the replicas report of their routes.
/// </summary>
internal sealed class RequestClasses(UpstreamCatalog replicas, IServiceProvider services)
{
    private readonly ConditionalWeakTable<ClusterState, Known> _clusters = [];

    /// <summary>The route by which a request occupies a core; null when it does not. Waits for the first probe of its cluster, which may tell.</summary>
    /// <param name="context">The request, routed.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public ValueTask<string?> ComputeRouteAsync(HttpContext context)
    {
        var route = context.GetReverseProxyFeature().Route;
        if (route.MarkedClass() is { } marked)
        {
            return new(marked is RouteClass.Compute ? route.Config.Match.Path ?? route.Config.RouteId : null);
        }

        var cluster = context.GetRouteModel().Cluster!;
        var known = _clusters.GetOrCreateValue(cluster);
        return known.FirstProbe.Task.IsCompleted || !cluster.IsProbed() ? new(known.Routes.Match(context.Request)) : WaitAsync(known, context);
    }

    /// <summary>Whether a request is certainly light: no compute route of its cluster's begins as its path does.</summary>
    /// <param name="cluster">The cluster of a route that is not marked as compute.</param>
    /// <param name="path">The request's path, decoded.</param>
    public bool IsLight(ClusterState cluster, ReadOnlySpan<char> path) =>
        _clusters.TryGetValue(cluster, out var known) && known.FirstProbe.Task.IsCompleted && !known.Routes.MayMatch(path);

    /// <summary>A replica of the cluster was probed: learns its compute routes.</summary>
    public void Probed(ClusterState cluster)
    {
        var known = _clusters.GetOrCreateValue(cluster);
        var all = cluster.DestinationsState.AllDestinations.Select(destination => replicas[destination]).ToList();
        HashSet<ComputeRoute> routes = [.. all.SelectMany(replica => replica.ComputeRoutes)];
        if (!routes.SetEquals(known.Routes.All))
        {
            known.Routes = new(routes, services);
        }

        if (all.Exists(replica => replica.AnsweredAt != 0) || all.TrueForAll(replica => !replica.IsUnknown))
        {
            known.FirstProbe.TrySetResult();
        }
    }

    private static async ValueTask<string?> WaitAsync(Known known, HttpContext context)
    {
        await known.FirstProbe.Task.WaitAsync(context.RequestAborted);
        return known.Routes.Match(context.Request);
    }

    private sealed class Known
    {
        public TaskCompletionSource FirstProbe { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ComputeRouteMatcher Routes { get; set; } = new([], null);
    }
}
