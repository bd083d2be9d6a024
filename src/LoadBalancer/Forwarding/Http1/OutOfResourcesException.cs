using System.Net.Sockets;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>This machine has no descriptor, port or buffer for another connection. It says nothing of the replica.</summary>
internal sealed class OutOfResourcesException(SocketException exception)
    : HttpRequestException(HttpRequestError.Unknown, $"The load balancer cannot open another connection: {exception.Message}.", exception)
{
    /// <summary>Whether a failure to connect is for want of them.</summary>
    public static bool Is(SocketException exception) => exception.SocketErrorCode is
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable or SocketError.AddressAlreadyInUse;
}
