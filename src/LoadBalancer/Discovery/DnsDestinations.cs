using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>
/// Turns a destination whose address has a host name into one for each address the name resolves to, and looks again
/// every <see cref="LoadBalancerOptions.DiscoveryInterval"/>.
/// </summary>
/// <remarks>
/// In the place of YARP's own resolver, which fails the start when a name does not resolve yet, and after a failure later
/// on does not look again for minutes. Here the addresses known last stay, also when DNS says that there is none: whether
/// they still serve is for the probes to find out, and they know before DNS does.
/// </remarks>
internal sealed partial class DnsDestinations(
    NameLookup lookup,
    IOptions<LoadBalancerOptions> options,
    TimeProvider time,
    ILogger<DnsDestinations> logger) : IDestinationResolver
{
    /// <summary>How long a lookup may hold up the others, and the start.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Host> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        if (options.Value.Discovery is not DiscoveryKind.Dns)
        {
            return new(destinations, changeToken: null);
        }

        Dictionary<string, DestinationConfig> resolved = [];
        foreach (var (id, config) in destinations)
        {
            var uri = new Uri(config.Address);
            if (uri.HostNameType is not UriHostNameType.Dns)
            {
                resolved[id] = config;
                continue;
            }

            foreach (var address in await LookUpAsync(uri.IdnHost, cancellationToken))
            {
                var at = new UriBuilder(uri) { Host = $"{address}" }.Uri;
                resolved[at.Authority] = config with
                {
                    Address = $"{at}",
                    Health = config.Health is null ? null : $"{new UriBuilder(config.Health) { Host = $"{address}" }.Uri}",
                    Host = config.Host ?? uri.Authority,
                };
            }
        }

        var due = new CancellationTokenSource(TimeSpan.FromSeconds(options.Value.DiscoveryInterval), time);
        return new(resolved, new CancellationChangeToken(due.Token));
    }

    private async Task<IReadOnlyList<IPAddress>> LookUpAsync(string name, CancellationToken cancellationToken)
    {
        var host = _hosts.GetOrAdd(name, _ => new());
        try
        {
            // One that takes longer than we wait goes on, and the next round waits for that one.
            host.Lookup ??= lookup(name);
            var addresses = await host.Lookup.WaitAsync(Patience, time, cancellationToken);
            host.Lookup = null;
            if (addresses.Length > 0)
            {
                Know(name, host, addresses);
                return host.Addresses;
            }

            Fail(name, host, SocketError.NoData);
        }
        catch (SocketException e)
        {
            host.Lookup = null;
            Fail(name, host, e.SocketErrorCode);
        }
        catch (TimeoutException)
        {
            Fail(name, host, SocketError.TimedOut);
        }

        return host.Addresses;
    }

    private void Know(string name, Host host, IPAddress[] found)
    {
        // Of a pod with an IPv4 and an IPv6 address one is enough. Sorted, because every answer comes in another order.
        var addresses = found
            .Where(address => address.AddressFamily == found[0].AddressFamily)
            .Distinct()
            .OrderBy(address => address.ToString(), StringComparer.Ordinal)
            .ToArray();
        if (host.Error is not null || !addresses.SequenceEqual(host.Addresses))
        {
            Log.Found(logger, name, string.Join(", ", addresses.AsEnumerable()));
        }

        (host.Addresses, host.Error) = (addresses, null);
    }

    private void Fail(string name, Host host, SocketError error)
    {
        if (host.Error != error)
        {
            Log.NotFound(logger, name, error, host.Addresses.Count);
        }

        host.Error = error;
    }

    private sealed class Host
    {
        public Task<IPAddress[]>? Lookup { get; set; }

        public IReadOnlyList<IPAddress> Addresses { get; set; } = [];

        public SocketError? Error { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Host} is at {Addresses}")]
        public static partial void Found(ILogger logger, string host, string addresses);

        [LoggerMessage(LogLevel.Warning, "{Host} does not resolve ({Error}); the {Count} addresses known before stay until it does.")]
        public static partial void NotFound(ILogger logger, string host, SocketError error, int count);
    }
}
