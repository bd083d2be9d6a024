using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>The connections to replicas that wait for a request, by address.</summary>
internal sealed class ConnectionPools : IDisposable
{
    private static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string Host, int Port, bool Encrypted), ConnectionPool> _pools = new();
    private readonly HttpClientConfig _config;
    private readonly UpstreamConnections _connections;
    private readonly bool _usesLinks;
    private readonly TimeSpan _connectTimeout;
    private readonly Timer _trim;

    // 1 while a trim is scheduled, so that it is scheduled once.
    private int _trims;

    /// <summary>Creates it.</summary>
    /// <param name="config">The cluster's settings for its client.</param>
    /// <param name="connections">Makes the connections.</param>
    /// <param name="usesLinks">Whether they may be virtual ones of the link.</param>
    /// <param name="connectTimeout">How long a connection may take.</param>
    public ConnectionPools(HttpClientConfig config, UpstreamConnections connections, bool usesLinks, TimeSpan connectTimeout)
    {
        (_config, _connections, _usesLinks, _connectTimeout) = (config, connections, usesLinks, connectTimeout);
        _trim = new Timer(static pools => ((ConnectionPools)pools!).Trim(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>The connections to an address.</summary>
    public ConnectionPool this[string host, int port, bool encrypted] =>
        _pools.TryGetValue((host, port, encrypted), out var known) ? known : _pools.GetOrAdd((host, port, encrypted), static (key, pools) => pools.Create(key.Host, key.Port, key.Encrypted), this);

    /// <summary>Connections are in use, and will have to be closed some time after.</summary>
    public void Used()
    {
        if (Volatile.Read(ref _trims) == 0 && Interlocked.Exchange(ref _trims, 1) == 0)
        {
            _trim.Change(TrimInterval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _trim.Dispose();

    private ConnectionPool Create(string host, int port, bool encrypted) =>
        new(host, port, encrypted, _config, _connections, _usesLinks && !encrypted ? _connections.Link(host, port) : null, _connectTimeout);

    private void Trim()
    {
        Volatile.Write(ref _trims, 0);
        if (_pools.Values.Sum(pool => pool.Trim()) > 0)
        {
            Used();
        }
    }
}
