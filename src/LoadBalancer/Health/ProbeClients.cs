using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Forwarding;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>
/// The HTTP clients of the probes: configured like each cluster's client, with separate connections, on which a replica can answer
/// however busy it is with requests.
/// </summary>
internal sealed class ProbeClients(IForwarderHttpClientFactory factory)
{
    private static readonly Dictionary<string, string> Metadata = new() { [ReplicaClients.ForProbes] = "" };

    private readonly ConcurrentDictionary<string, (HttpClientConfig Config, HttpMessageInvoker Client)> _clients = new();

    /// <summary>The client for a cluster.</summary>
    public HttpMessageInvoker this[ClusterState cluster] =>
        _clients.AddOrUpdate(cluster.ClusterId, _ => Create(cluster, null), (_, old) => Create(cluster, old)).Client;

    private (HttpClientConfig Config, HttpMessageInvoker Client) Create(ClusterState cluster, (HttpClientConfig Config, HttpMessageInvoker Client)? old)
    {
        var config = cluster.Model.Config.HttpClient ?? HttpClientConfig.Empty;
        // The factory returns the old client if nothing has changed.
        return (config, factory.CreateClient(new()
        {
            ClusterId = cluster.ClusterId,
            OldConfig = old?.Config ?? HttpClientConfig.Empty,
            OldClient = old?.Client,
            NewConfig = config,
            OldMetadata = Metadata,
            NewMetadata = Metadata,
        }));
    }
}
