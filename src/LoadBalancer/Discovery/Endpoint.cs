using System.Net;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>Where one replica is.</summary>
/// <param name="Address">Its IP address.</param>
/// <param name="Name">Its name (a pod's), or null where only the address is known.</param>
/// <param name="IsTerminating">Whether it has been told to end: it serves as long as it answers, but should get nothing new.</param>
internal sealed record Endpoint(IPAddress Address, string? Name = null, bool IsTerminating = false);
