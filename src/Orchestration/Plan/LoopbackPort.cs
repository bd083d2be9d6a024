using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Orchestration;

/// <summary>Tells whether a TCP port of this machine can be listened at.</summary>
internal static class LoopbackPort
{
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
