using ClusterAspire.LoadBalancer.Balancing;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>Finds at start what would make requests fail later: routes, clusters and destinations that do not belong together.</summary>
internal sealed class ProxyConfigurationCheck(IEnumerable<IProxyConfigProvider> providers) : IHostedService
{
    /// <exception cref="OptionsValidationException">Something in the configuration of YARP is wrong; a sentence for each.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var configurations = providers.Select(provider => provider.GetConfig()).ToList();
        List<string> mistakes = [.. Mistakes([.. configurations.SelectMany(config => config.Routes)], [.. configurations.SelectMany(config => config.Clusters)])];
        return mistakes.Count > 0 ? throw new OptionsValidationException("ReverseProxy", typeof(IProxyConfig), mistakes) : Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>One sentence for each mistake.</summary>
    public static IEnumerable<string> Mistakes(IReadOnlyList<RouteConfig> routes, IReadOnlyList<ClusterConfig> clusters)
    {
        var names = clusters.Select(cluster => cluster.ClusterId).Order(StringComparer.Ordinal).ToList();
        var there = names.Count == 0 ? "there is none" : $"there {(names.Count == 1 ? "is" : "are")} {string.Join(", ", names)}";
        foreach (var route in routes)
        {
            var key = $"ReverseProxy:Routes:{route.RouteId}";
            if (string.IsNullOrEmpty(route.ClusterId))
            {
                yield return $"{key}:ClusterId must name a cluster: {there}.";
            }
            else if (!names.Contains(route.ClusterId, StringComparer.OrdinalIgnoreCase))
            {
                yield return $"{key}:ClusterId '{route.ClusterId}' names no cluster: {there}.";
            }

            if (route.Metadata?.FirstOrDefault(entry => entry.Key.Equals(RouteClass.Key, StringComparison.OrdinalIgnoreCase)).Value is { } @class
                && !RouteClass.All.Contains(@class, StringComparer.OrdinalIgnoreCase))
            {
                yield return $"{key}:Metadata:{RouteClass.Key} cannot be '{@class}': it must be {string.Join(" or ", RouteClass.All)}.";
            }
        }

        foreach (var cluster in clusters)
        {
            if (cluster.Destinations?.Count > 0 && !routes.Any(route => cluster.ClusterId.Equals(route.ClusterId, StringComparison.OrdinalIgnoreCase)))
            {
                yield return $"ReverseProxy:Clusters:{cluster.ClusterId} has destinations, and no route leads to it: set the ClusterId of a route to {cluster.ClusterId}.";
            }
        }
    }
}
