using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Bench;

/// <summary>TCP ports of this machine.</summary>
internal static class Port
{
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>The address of a loopback port that is free now, and that was not given before.</summary>
    /// <param name="scheme"><c>http</c> or <c>https</c>.</param>
    public static Uri FreeUrl(string scheme = "http")
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            if (Given.TryAdd(port, true))
            {
                return new Uri($"{scheme}://127.0.0.1:{port}/");
            }
        }
    }
}
