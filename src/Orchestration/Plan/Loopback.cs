using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>The loopback interface of this machine, in the address families that it has.</summary>
internal static class Loopback
{
    /// <summary>Its addresses, IPv4 first; both when it seems to have none, so that the error is that of who listens there.</summary>
    public static IReadOnlyList<IPAddress> Addresses { get; } = Find();

    /// <summary>The first of them, as it is written in a URL.</summary>
    public static string Host { get; } = Addresses[0].AddressFamily is AddressFamily.InterNetworkV6 ? $"[{Addresses[0]}]" : $"{Addresses[0]}";

    private static IPAddress[] Find()
    {
        IPAddress[] both = [IPAddress.Loopback, IPAddress.IPv6Loopback];
        var found = Array.FindAll(both, address => LoopbackPort.ListenError(address, 0) is null);
        return found.Length is 0 ? both : found;
    }
}
