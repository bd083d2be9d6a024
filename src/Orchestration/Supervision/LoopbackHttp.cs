using ClusterAspire.Contract;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Makes the HTTP clients that talk to what runs on this machine: no proxy, cookie or redirect comes in between.</summary>
public static class LoopbackHttp
{
    /// <summary>Makes a client.</summary>
    /// <param name="timeout">How long it waits for an answer.</param>
    /// <param name="baseAddress">What relative addresses are relative to, or null.</param>
    public static HttpClient Create(TimeSpan timeout, Uri? baseAddress = null) =>
        new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false })
        {
            Timeout = timeout,
            BaseAddress = baseAddress,
        };

    /// <summary>Makes a client of the load balancer's admin port, which knows the token that the environment gives the load balancer.</summary>
    /// <param name="timeout">How long it waits for an answer.</param>
    /// <param name="adminUrl">Where the admin port is.</param>
    public static HttpClient CreateForAdmin(TimeSpan timeout, Uri adminUrl)
    {
        var client = Create(timeout, adminUrl);
        if (Environment.GetEnvironmentVariable(Variables.LoadBalancerAdminToken) is { Length: > 0 } token)
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        }

        return client;
    }
}
