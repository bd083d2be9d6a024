namespace ClusterAspire.Contract;

/// <summary>The health probes of a service and what its answers mean, for the load balancer and for every supervisor.</summary>
public static class Probes
{
    /// <summary>The path that tells whether a process is ready to serve.</summary>
    public const string Health = "/health";

    /// <summary>The path that tells whether a process is live.</summary>
    public const string Alive = "/alive";

    /// <summary>
    /// Whether an answer of this status means yes. Every answer does but a server error (500 and up): a service without
    /// health checks says 404, one that filters host names 400, one behind a login 401. They serve and have nothing to say of it.
    /// </summary>
    /// <param name="statusCode">The HTTP status code.</param>
    public static bool Serves(int statusCode) => statusCode < 500;
}
