using System.Net;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// An end point without an address, for which Kestrel builds its HTTP/2 pipeline. <see cref="ClientConnections"/> passes connections of
/// the public port to that pipeline; nothing listens here.
/// </summary>
internal sealed class Http2OnlyEndPoint() : IPEndPoint(IPAddress.Loopback, 0);
