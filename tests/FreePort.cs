using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Tests;

/// <summary>
/// TCP ports nobody listens at, below those the system gives to outgoing connections, and none of them twice: a port that
/// was only looked at is free to be offered again.
/// </summary>
internal static class FreePort
{
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    public static int Next()
    {
        for (var attempt = 0; attempt < 10_000; attempt++)
        {
            var port = Random.Shared.Next(10_000, 20_000);
            if (IsFree(port) && Given.TryAdd(port, true))
            {
                return port;
            }
        }

        throw new InvalidOperationException("There is no free port.");
    }

    public static int[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <summary>Whether nobody listens at a port.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
