namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>Knows the endpoints behind host names.</summary>
internal interface IEndpointSource
{
    /// <summary>The endpoints behind a host name. A name that nobody knows (yet) has none; that is no error.</summary>
    ValueTask<EndpointSet> FindAsync(string host, CancellationToken cancellationToken);
}
