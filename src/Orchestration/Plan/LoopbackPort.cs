using System.Net;
using System.Net.Sockets;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>Tells whether a TCP port of this machine can be listened at.</summary>
internal static class LoopbackPort
{
    private const string Remedy = "see that this machine's loopback interface is up and that this process may open sockets.";

    /// <summary>Makes sure that a server can listen at the port.</summary>
    /// <param name="port">The port.</param>
    /// <param name="option">The option that sets it.</param>
    /// <exception cref="ClusterException">It cannot.</exception>
    public static void EnsureFree(int port, string option)
    {
        if (ListenError(port) is { } error)
        {
            throw new ClusterException(error switch
            {
                SocketError.AddressAlreadyInUse => $"Port {port} is taken by another program: choose another by {ClusterOptions.Switch(option)}.",
                SocketError.AccessDenied => $"Port {port} needs rights that this user lacks: choose another by {ClusterOptions.Switch(option)}.",
                _ => $"Port {port} cannot be listened at ({new SocketException((int)error).Message}): {Remedy}",
            });
        }
    }

    /// <summary>Says why no port at all can be listened at; null when some can.</summary>
    public static ClusterException? Unusable() => ListenError(0) is { } error
        ? new($"No port can be listened at ({new SocketException((int)error).Message}): {Remedy}")
        : null;

    /// <summary>Why a server could not listen at the port, on loopback of either family; null when it could.</summary>
    public static SocketError? ListenError(int port) =>
        Loopback.Addresses.Select(address => ListenError(address, port)).FirstOrDefault(error => error is not null);

    /// <summary>Why a server could not listen at an address; null when it could.</summary>
    internal static SocketError? ListenError(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port) { ExclusiveAddressUse = true };
            listener.Start();
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }
}
