using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>Warns, once for each cluster, where a replica keeps something of clients whose next request may reach another replica.</summary>
internal sealed partial class AffinityAdvice(UpstreamCatalog replicas, BalancerEvents events, ILogger<AffinityAdvice> logger)
{
    private readonly ConcurrentDictionary<string, bool> _warned = new();

    /// <summary>A replica has said what it keeps.</summary>
    /// <param name="cluster">The replica's cluster.</param>
    /// <param name="kept">What it keeps; null for nothing that it knows of.</param>
    public void Heard(ClusterState cluster, IReadOnlyList<string>? kept)
    {
        if (kept is [_, ..] && cluster.Model.Config.SessionAffinity?.Enabled is not true && HasSeveral(cluster) && _warned.TryAdd(cluster.ClusterId, true))
        {
            var words = string.Join(" and ", kept);
            Log.Keeps(logger, words, cluster.ClusterId);
            events.KeptOfClients(words);
        }
    }

    // While a replica is replaced there are two of its name.
    private bool HasSeveral(ClusterState cluster) =>
        cluster.DestinationsState.AllDestinations.Select(destination => replicas[destination].Name).Distinct().Count() > 1;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Each replica has {Kept} of its own, and a client's next request may reach another one: choose --affinity cookie (ReverseProxy:Clusters:{Cluster}:SessionAffinity), or for sessions a store that all share.")]
        public static partial void Keeps(ILogger logger, string kept, string cluster);
    }
}
