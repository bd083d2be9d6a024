using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>Sends requests to replicas by HTTP/1.1, each at most once; those that must be HTTP/2 go to .NET's own client.</summary>
/// <remarks>
/// <see cref="SocketsHttpHandler"/> repeats a request without a body up to three times when a kept connection ends without
/// an answer, whatever the method, and cannot be told not to. It also sends all of a body before it reads an answer, and
/// takes a bare LF for the end of a line.
/// </remarks>
internal sealed class Http1Handler : DelegatingHandler
{
    private static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string Host, int Port, bool Encrypted), ConnectionPool> _pools = new();
    private readonly HttpClientConfig _config;
    private readonly UpstreamConnections _connections;
    private readonly bool _usesLinks;
    private readonly TimeSpan _connectTimeout;
    private readonly Timer _trim;

    // A wake-up that nothing waits for is one too many.
    private int _trims;

    /// <summary>Creates it.</summary>
    /// <param name="http2">Sends what must be HTTP/2.</param>
    /// <param name="config">The cluster's settings for its client.</param>
    /// <param name="connections">Makes the connections.</param>
    /// <param name="usesLinks">Whether they may be virtual ones of the link.</param>
    /// <param name="connectTimeout">How long a connection may take.</param>
    public Http1Handler(HttpMessageHandler http2, HttpClientConfig config, UpstreamConnections connections, bool usesLinks, TimeSpan connectTimeout)
        : base(http2)
    {
        (_config, _connections, _usesLinks, _connectTimeout) = (config, connections, usesLinks, connectTimeout);
        _trim = new Timer(static handler => ((Http1Handler)handler!).Trim(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Version.Major > 1 && request.VersionPolicy is not HttpVersionPolicy.RequestVersionOrLower)
        {
            return base.SendAsync(request, cancellationToken);
        }

        if (Interlocked.Exchange(ref _trims, 1) == 0)
        {
            _trim.Change(TrimInterval, Timeout.InfiniteTimeSpan);
        }

        var uri = request.RequestUri!;
        var key = (uri.IdnHost, uri.Port, uri.Scheme == Uri.UriSchemeHttps);
        var pool = _pools.TryGetValue(key, out var known)
            ? known
            : _pools.GetOrAdd(key, static (key, handler) => handler.Pool(key.Host, key.Port, key.Encrypted), this);
        return pool.SendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _trim.Dispose();
        }

        base.Dispose(disposing);
    }

    private ConnectionPool Pool(string host, int port, bool encrypted) =>
        new(host, port, encrypted, _config, _connections, _usesLinks && !encrypted ? _connections.Link(host, port) : null, _connectTimeout);

    private void Trim()
    {
        Volatile.Write(ref _trims, 0);
        if (_pools.Values.Sum(pool => pool.Trim()) > 0 && Interlocked.Exchange(ref _trims, 1) == 0)
        {
            _trim.Change(TrimInterval, Timeout.InfiniteTimeSpan);
        }
    }
}
