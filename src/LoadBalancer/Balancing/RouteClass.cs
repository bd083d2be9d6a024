using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Balancing;

/// <summary>How much a route's requests ask of a core.</summary>
internal static class RouteClass
{
    /// <summary>The route metadata's key.</summary>
    public const string Key = "Class";

    /// <summary>Requests that answer at once. The default.</summary>
    public const string Light = "light";

    /// <summary>Requests that occupy a core.</summary>
    public const string Compute = "compute";

    /// <summary>All there are.</summary>
    public static IReadOnlyList<string> All { get; } = [Light, Compute];

    /// <summary>What the route's metadata says: <see cref="Light"/> or <see cref="Compute"/>; null when it says nothing.</summary>
    public static string? MarkedClass(this RouteModel route) =>
        route.Config.Metadata?.TryGetValue(Key, out var value) is not true ? null
        : value.Equals(Compute, StringComparison.OrdinalIgnoreCase) ? Compute
        : Light;
}
