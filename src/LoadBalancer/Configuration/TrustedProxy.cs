using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>An address, or a network of them, whose word on who sent a request is taken.</summary>
internal static class TrustedProxy
{
    /// <summary>Whether it is an IP address or a network in CIDR notation.</summary>
    public static bool IsSound(string text) => IPNetwork.TryParse(text, out _) || IPAddress.TryParse(text, out _);

    /// <summary>The network; of an address the one that has it alone.</summary>
    public static IPNetwork Parse(string text) =>
        IPNetwork.TryParse(text, out var network) ? network : Of(IPAddress.Parse(text));

    private static IPNetwork Of(IPAddress address) => new(address, address.AddressFamily is AddressFamily.InterNetwork ? 32 : 128);
}
