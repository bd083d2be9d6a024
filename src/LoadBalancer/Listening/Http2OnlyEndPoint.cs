using System.Net;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// No address: Kestrel builds its HTTP/2 for it, which <see cref="ClientConnections"/> then hands connections of the public
/// port to. Nobody listens.
/// </summary>
internal sealed class Http2OnlyEndPoint() : IPEndPoint(IPAddress.Loopback, 0);
