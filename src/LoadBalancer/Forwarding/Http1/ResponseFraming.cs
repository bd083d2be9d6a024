namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>How a response's body ends (RFC 9112, 6.3).</summary>
internal enum ResponseFraming
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>After <c>Content-Length</c> bytes.</summary>
    Length,

    /// <summary>With the last chunk and its trailers.</summary>
    Chunked,

    /// <summary>When the replica closes the connection.</summary>
    UntilClose,
}
