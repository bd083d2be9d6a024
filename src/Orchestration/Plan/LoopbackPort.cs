using System.Net;
using System.Net.Sockets;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>Tells whether a TCP port of this machine can be listened at.</summary>
internal static class LoopbackPort
{
    /// <summary>Makes sure that a server can listen at the port.</summary>
    /// <param name="port">The port.</param>
    /// <param name="option">The option that sets it.</param>
    /// <exception cref="ClusterException">It cannot.</exception>
    public static void EnsureFree(int port, string option)
    {
        if (WhyTaken(port) is { } error)
        {
            var why = error is SocketError.AccessDenied ? "needs rights that this user lacks" : "is taken by another program";
            throw new ClusterException($"Port {port} {why}: choose another by {ClusterOptions.Switch(option)}.");
        }
    }

    /// <summary>Why a server could not listen at the port; null when it could.</summary>
    public static SocketError? WhyTaken(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
        try
        {
            listener.Start();
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }
}
