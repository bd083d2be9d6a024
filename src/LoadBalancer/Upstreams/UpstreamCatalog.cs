using System.Runtime.CompilerServices;
using ClusterAspire.LoadBalancer.Health;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>Finds the <see cref="Upstream"/> that goes with a YARP destination.</summary>
internal sealed class UpstreamCatalog(IServiceProvider services, TimeProvider time)
{
    // Keyed by YARP's object, so that the garbage collector frees entries that a configuration change removes.
    private readonly ConditionalWeakTable<DestinationState, Upstream> _replicas = [];
    private readonly ConditionalWeakTable<IReadOnlyList<DestinationState>, Upstream[]> _lists = [];

    /// <summary>The replica behind a destination.</summary>
    public Upstream this[DestinationState destination] =>
        _replicas.TryGetValue(destination, out var replica)
            ? replica
            : _replicas.GetValue(destination, key => new Upstream(key, time));

    /// <summary>The replicas behind a list that nobody changes, such as YARP's, in its order.</summary>
    /// <remarks>One look-up for all: one each was more than half of what picking among many cost.</remarks>
    public ReadOnlySpan<Upstream> this[IReadOnlyList<DestinationState> destinations] =>
        _lists.TryGetValue(destinations, out var replicas)
            ? replicas
            : _lists.GetValue(destinations, list => [.. list.Select(destination => this[destination])]);

    /// <summary>Every replica of the clusters that are probed, by cluster and name.</summary>
    public IEnumerable<Upstream> All =>
        from cluster in Clusters
        where cluster.IsProbed()
        from replica in cluster.DestinationsState.AllDestinations.Select(destination => this[destination]).OrderBy(replica => replica.Name.Length).ThenBy(replica => replica.Name, StringComparer.Ordinal)
        select replica;

    /// <summary>YARP's clusters. Looked up late: YARP itself depends on policies that depend on this catalog.</summary>
    public IEnumerable<ClusterState> Clusters => services.GetRequiredService<IProxyStateLookup>().GetClusters();
}
