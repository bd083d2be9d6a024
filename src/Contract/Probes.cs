namespace ClusterAspire.Contract;

/// <summary>The health probes of a service and what its answers mean, for the load balancer and for every supervisor.</summary>
public static class Probes
{
    /// <summary>The path that tells whether a process is ready to serve.</summary>
    public const string Health = "/health";

    /// <summary>The path that tells whether a process is live.</summary>
    public const string Alive = "/alive";

    /// <summary>
    /// Whether a process that answers with this status serves. It does unless the status is a server error (500 and up): a service
    /// without health checks answers 404, one that filters host names 400, one behind a login 401, and all of them serve.
    /// </summary>
    /// <param name="statusCode">The HTTP status code.</param>
    public static bool Serves(int statusCode) => statusCode < 500;
}
