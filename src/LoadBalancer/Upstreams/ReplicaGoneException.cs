namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>The replica was declared gone while it had the request, and the connection to it was dropped.</summary>
/// <param name="cause">What the connection reported, if it did.</param>
internal sealed class ReplicaGoneException(Exception? cause) : IOException("The replica was declared gone before it answered.", cause);
