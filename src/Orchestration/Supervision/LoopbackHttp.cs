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
}
