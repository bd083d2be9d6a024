namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>What a replica sent is not an HTTP/1.1 response, or one that two readers could read differently.</summary>
/// <param name="what">What is wrong with it.</param>
internal sealed class InvalidResponseException(string what)
    : HttpRequestException(HttpRequestError.InvalidResponse, $"The replica's response is not valid HTTP/1.1: {what}.");
