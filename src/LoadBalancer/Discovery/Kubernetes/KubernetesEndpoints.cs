using System.Collections.Concurrent;
using Microsoft.Extensions.Primitives;

namespace ClusterAspire.LoadBalancer.Discovery.Kubernetes;

/// <summary>
/// The endpoints in the EndpointSlices of a Service. While these cannot be watched, DNS is used; the last known endpoints stay as long
/// as DNS may be older than they are, and if DNS fails too.
/// </summary>
internal sealed class KubernetesEndpoints(DnsEndpoints dns, TimeProvider time, ILogger<KubernetesEndpoints> logger) : IEndpointSource, IDisposable
{
    /// <summary>How old an answer of DNS may be: the TTL and cache of Kubernetes' own CoreDNS configuration and of NodeLocal DNSCache.</summary>
    private static readonly TimeSpan DnsAge = TimeSpan.FromSeconds(30);

    /// <summary>How long the API may hold up the start.</summary>
    private static readonly TimeSpan FirstListTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Lazy<EndpointSliceWatch>> _watches = new();

    /// <inheritdoc/>
    public async ValueTask<EndpointSet> FindAsync(string host, CancellationToken cancellationToken)
    {
        if (ServiceName(host, ServiceAccount.Namespace) is not { } service)
        {
            return await dns.FindAsync(host, cancellationToken);
        }

        var watch = _watches.GetOrAdd(service, name => new(() => new EndpointSliceWatch(name, time, logger).Start())).Value;
        await Task.WhenAny(watch.Tried, Task.Delay(FirstListTimeout, time, cancellationToken));
        var known = watch.Latest;
        if (known.LostAt is not { } lostAt)
        {
            return new(known.Endpoints, IsCurrent: true, known.ChangeToken);
        }

        var found = await dns.FindAsync(host, cancellationToken);
        return new(
            Merge(known.Endpoints, found, isNewer: time.GetElapsedTime(lostAt) < DnsAge),
            found.IsCurrent,
            new CompositeChangeToken([known.ChangeToken, found.Changed]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var watch in _watches.Values)
        {
            watch.Value.Dispose();
        }
    }

    /// <summary>The Service of this namespace that a host name means, or null when it means something else.</summary>
    /// <param name="host">The name: <c>service</c>, <c>service.namespace</c>, <c>service.namespace.svc</c> with or without the cluster's domain.</param>
    /// <param name="ownNamespace">The namespace this pod is in.</param>
    internal static string? ServiceName(string host, string ownNamespace) => host.TrimEnd('.').Split('.') switch
    {
        [var service] => service,
        [var service, var named] when named == ownNamespace => service,
        [var service, var named, "svc", ..] when named == ownNamespace => service,
        _ => null,
    };

    /// <summary>The endpoints that the slices had last and DNS has now.</summary>
    /// <param name="known">The slices'.</param>
    /// <param name="found">DNS's.</param>
    /// <param name="isNewer">Whether the slices' may be newer.</param>
    internal static IReadOnlyList<Endpoint> Merge(IReadOnlyList<Endpoint> known, EndpointSet found, bool isNewer)
    {
        if (!found.IsCurrent && known.Count > 0)
        {
            return known;
        }

        // An endpoint that had a name keeps it.
        var named = known.ToDictionary(endpoint => endpoint.Address);
        var addresses = found.Endpoints.Select(endpoint => named.GetValueOrDefault(endpoint.Address, endpoint));
        return [.. isNewer ? known.Union(addresses) : addresses];
    }
}
