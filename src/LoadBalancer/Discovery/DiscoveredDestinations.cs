using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>Turns a destination whose address has a host name into one for each endpoint behind the name.</summary>
/// <remarks>
/// Replaces YARP's own resolver, with which a start fails if a name does not resolve yet, and which does not retry for minutes after a
/// later failure.
/// </remarks>
internal sealed class DiscoveredDestinations(IEndpointSource source, IOptions<LoadBalancerOptions> options) : IDestinationResolver
{
    /// <inheritdoc/>
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        if (options.Value.Discovery is DiscoveryKind.Static)
        {
            return new(destinations, changeToken: null);
        }

        Dictionary<string, DestinationConfig> resolved = [];
        List<IChangeToken> changes = [];
        foreach (var (id, config) in destinations)
        {
            var uri = new Uri(config.Address);
            if (uri.HostNameType is not UriHostNameType.Dns)
            {
                resolved[id] = config;
                continue;
            }

            var found = await source.FindAsync(uri.IdnHost, cancellationToken);
            changes.Add(found.Changed);
            foreach (var endpoint in OfOneFamily(found.Endpoints))
            {
                var at = new UriBuilder(uri) { Host = $"{endpoint.Address}" }.Uri;
                var destination = config with
                {
                    Address = $"{at}",
                    Health = config.Health is null ? null : $"{new UriBuilder(config.Health) { Host = $"{endpoint.Address}" }.Uri}",
                    Host = config.Host ?? uri.Authority,
                };
                resolved[endpoint.Name ?? at.Authority] = endpoint.IsTerminating ? destination.AsTerminating() : destination;
            }
        }

        return new(resolved, changes.Count == 0 ? null : new CompositeChangeToken(changes));
    }

    // One address of a replica with an IPv4 and an IPv6 address is enough, and always the same one.
    private static IEnumerable<Endpoint> OfOneFamily(IReadOnlyList<Endpoint> endpoints)
    {
        var family = endpoints.Any(endpoint => endpoint.Address.AddressFamily is AddressFamily.InterNetwork)
            ? AddressFamily.InterNetwork
            : AddressFamily.InterNetworkV6;
        return endpoints.Where(endpoint => endpoint.Address.AddressFamily == family);
    }
}
