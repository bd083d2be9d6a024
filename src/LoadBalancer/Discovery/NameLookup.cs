using System.Net;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>Resolves a host name; <see cref="Dns.GetHostAddressesAsync(string)"/>, so search lists and hosts files count.</summary>
/// <param name="host">The name.</param>
/// <exception cref="System.Net.Sockets.SocketException">The name does not exist, has no address, or could not be looked up.</exception>
internal delegate Task<IPAddress[]> NameLookup(string host);
