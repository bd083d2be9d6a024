namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>Sends requests to replicas by HTTP/1.1, each at most once; those that must be HTTP/2 go to .NET's own client.</summary>
/// <remarks>
/// <see cref="SocketsHttpHandler"/> repeats a request without a body up to three times when a kept connection ends without
/// an answer, whatever the method, and cannot be told not to. It also sends all of a body before it reads an answer, and
/// takes a bare LF for the end of a line.
/// </remarks>
/// <param name="http2">Sends what must be HTTP/2.</param>
/// <param name="pools">The connections.</param>
internal sealed class Http1Handler(HttpMessageHandler http2, ConnectionPools pools) : DelegatingHandler(http2)
{
    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Version.Major > 1 && request.VersionPolicy is not HttpVersionPolicy.RequestVersionOrLower)
        {
            return base.SendAsync(request, cancellationToken);
        }

        pools.Used();
        var uri = request.RequestUri!;
        return pools[uri.IdnHost, uri.Port, uri.Scheme == Uri.UriSchemeHttps].SendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            pools.Dispose();
        }

        base.Dispose(disposing);
    }
}
