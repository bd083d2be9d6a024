using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Bench;

/// <summary>TCP ports of this machine.</summary>
internal static class Port
{
    /// <summary>The address of a loopback port that is free now.</summary>
    public static Uri FreeUrl()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
    }
}
