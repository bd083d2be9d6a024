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

    /// <summary>Whether the route's metadata says <c>"Class": "compute"</c>.</summary>
    public static bool IsCompute(this RouteModel route) =>
        route.Config.Metadata?.TryGetValue(Key, out var value) is true
        && value.Equals(Compute, StringComparison.OrdinalIgnoreCase);
}
