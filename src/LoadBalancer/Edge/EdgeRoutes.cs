using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>The route whose requests the edge serves.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Pattern">Its pattern.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="ActivityTimeout">How long a replica may be silent while it answers.</param>
internal sealed record EdgeRoute(string Id, string Pattern, ClusterState Cluster, TimeSpan ActivityTimeout);

/// <summary>
/// Decides whether the edge can serve: only if one route takes every path, and neither the route nor its cluster uses a feature that
/// only YARP has. Otherwise YARP serves all requests.
/// </summary>
internal sealed class EdgeRoutes(IServiceProvider services, IConfiguration configuration, IOptions<LoadBalancerOptions> options) : IConfigChangeListener
{
    // YARP's own default.
    private static readonly TimeSpan DefaultActivityTimeout = TimeSpan.FromSeconds(100);

    private volatile EdgeRoute? _current;

    /// <summary>The route; null where there is none for the edge.</summary>
    public EdgeRoute? Current => _current;

    /// <inheritdoc/>
    public void ConfigurationApplied(IReadOnlyList<IProxyConfig> proxyConfigs) => _current = Find();

    /// <inheritdoc/>
    public void ConfigurationLoaded(IReadOnlyList<IProxyConfig> proxyConfigs)
    {
    }

    /// <inheritdoc/>
    public void ConfigurationLoadingFailed(IProxyConfigProvider configProvider, Exception exception)
    {
    }

    /// <inheritdoc/>
    public void ConfigurationApplyingFailed(IReadOnlyList<IProxyConfig> proxyConfigs, Exception exception)
    {
    }

    private EdgeRoute? Find()
    {
        if (!options.Value.Edge || !options.Value.OriginalHost || configuration["AllowedHosts"] is not (null or "" or "*"))
        {
            return null;
        }

        // Resolved late, because YARP depends on the listeners of its changes.
        return services.GetRequiredService<IProxyStateLookup>().GetRoutes().ToList() is [{ Cluster: { } cluster } route] && IsPlain(route.Config) && IsPlain(cluster.Model.Config)
            ? new(route.Config.RouteId, route.Config.Match.Path ?? route.Config.RouteId, cluster, cluster.Model.Config.HttpRequest?.ActivityTimeout ?? DefaultActivityTimeout)
            : null;
    }

    private static bool IsPlain(RouteConfig route) =>
        route is
        {
            Match: { Hosts: null or { Count: 0 }, Methods: null or { Count: 0 }, Headers: null or { Count: 0 }, QueryParameters: null or { Count: 0 } },
            Transforms: null or { Count: 0 },
            AuthorizationPolicy: null, CorsPolicy: null, RateLimiterPolicy: null, OutputCachePolicy: null, TimeoutPolicy: null, Timeout: null, MaxRequestBodySize: null,
        }
        && (route.Match.Path ?? "").TrimStart('/') is ['{', '*', .., '}'] path && !path.Contains(':', StringComparison.Ordinal) && !path.Contains('/', StringComparison.Ordinal)
        && !(route.Metadata?.TryGetValue(RouteClass.Key, out var value) is true && value.Equals(RouteClass.Compute, StringComparison.OrdinalIgnoreCase));

    private static bool IsPlain(ClusterConfig cluster) =>
        CoreAwarePolicy.PolicyName.Equals(cluster.LoadBalancingPolicy, StringComparison.OrdinalIgnoreCase)
        && cluster is
        {
            SessionAffinity: null or { Enabled: not true },
            HealthCheck: null or { Passive: null or { Enabled: not true } },
            HttpClient: null,
            HttpRequest: null or { Version: null, VersionPolicy: null, AllowResponseBuffering: not true },
        };
}
