using System.Net;

namespace ClusterAspire.LoadBalancer.Discovery.Kubernetes;

/// <summary>The slices of one Service, and the endpoints they amount to.</summary>
internal sealed class EndpointSlices
{
    private readonly Dictionary<string, EndpointSlice> _slices = [];

    /// <summary>Replaces all slices.</summary>
    public void Replace(IEnumerable<EndpointSlice> slices)
    {
        _slices.Clear();
        foreach (var slice in slices)
        {
            Set(slice);
        }
    }

    /// <summary>Adds a slice, or replaces the one of its name.</summary>
    public void Set(EndpointSlice slice) => _slices[slice.Metadata?.Name ?? ""] = slice;

    /// <summary>Takes a slice away.</summary>
    public void Remove(EndpointSlice slice) => _slices.Remove(slice.Metadata?.Name ?? "");

    /// <summary>
    /// The endpoints that serve, and those that terminate until they are gone. If none serves, the endpoints that were known before and
    /// still exist: the load balancer probes them itself, which also works when their kubelet cannot be reached.
    /// </summary>
    /// <param name="before">The endpoints known before.</param>
    public IReadOnlyList<Endpoint> Endpoints(IReadOnlyList<Endpoint> before)
    {
        // An endpoint that moves to another slice may be in both for a moment: the serving entry counts.
        var listed = Listed()
            .GroupBy(item => item.Endpoint.Address)
            .Select(group => group.OrderByDescending(item => item.IsServing).ThenBy(item => item.Endpoint.IsTerminating).First())
            .ToList();
        var serving = listed.Any(item => item.IsServing);
        var kept = before.Select(endpoint => endpoint.Address).ToHashSet();
        return
        [
            .. listed
                .Where(item => item.IsServing || item.Endpoint.IsTerminating || (!serving && kept.Contains(item.Endpoint.Address)))
                .Select(item => item.Endpoint)
                .OrderBy(endpoint => endpoint.Name, StringComparer.Ordinal)
                .ThenBy(endpoint => endpoint.Address.ToString(), StringComparer.Ordinal),
        ];
    }

    private IEnumerable<(Endpoint Endpoint, bool IsServing)> Listed() =>
        from slice in _slices.Values
        where slice.AddressType is "IPv4" or "IPv6"
        from endpoint in slice.Endpoints ?? []
        from address in endpoint.Addresses ?? []
        where IPAddress.TryParse(address, out _)
        let conditions = endpoint.Conditions
        select (
            new Endpoint(IPAddress.Parse(address), endpoint.TargetRef?.Name, conditions?.Terminating is true),
            conditions?.Serving ?? conditions?.Ready ?? true);
}
