namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>A request at the edge and its response. Used again and again, by one connection at a time.</summary>
internal sealed class EdgeExchange
{
    /// <summary>The request.</summary>
    public EdgeRequest Request { get; } = new();

    /// <summary>The response.</summary>
    public EdgeResponse Response { get; } = new();
}
