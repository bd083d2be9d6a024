namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>A request cannot be written as HTTP/1.1. No replica has seen it, and none is to blame.</summary>
/// <param name="what">What cannot be written.</param>
internal sealed class UnsendableRequestException(string what) : InvalidOperationException($"The request cannot be sent as HTTP/1.1: {what}.");
