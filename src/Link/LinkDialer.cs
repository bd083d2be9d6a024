using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Link;

/// <summary>Connects to a replica by the link.</summary>
public static class LinkDialer
{
    /// <summary>Connects. A thread of the pool waits.</summary>
    /// <param name="endPoint">A Unix socket, or the address that the replica's HTTP server listens at.</param>
    /// <param name="port">The port of the replica's HTTP server.</param>
    /// <param name="limit">After this time without an answer it is given up.</param>
    /// <param name="options">How this side of the link works.</param>
    /// <exception cref="SocketException">Nothing listens there, or does not answer.</exception>
    /// <exception cref="InvalidDataException">The server there does not support the link.</exception>
    public static Task<LinkConnection> ConnectAsync(EndPoint endPoint, int port, TimeSpan limit, LinkConnectionOptions options) =>
        Task.Run(() => Connect(endPoint, port, limit, options));

    // What waits for a socket by async methods once is told of everything that happens to it, by a thread of its own.
    private static LinkConnection Connect(EndPoint endPoint, int port, TimeSpan limit, LinkConnectionOptions options)
    {
        var socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SendTimeout = socket.ReceiveTimeout = (int)limit.TotalMilliseconds;
            socket.Connect(endPoint);
            socket.Send(Greeting.Write(port));
            var answer = new byte[Greeting.Length];
            for (var read = 0; read < answer.Length;)
            {
                var length = socket.Receive(answer.AsSpan(read));
                read += length > 0 ? length : throw new InvalidDataException("The other side closed the connection in place of a greeting.");
            }

            socket.SendTimeout = socket.ReceiveTimeout = 0;
            return Greeting.TryRead(answer, out _)
                ? new LinkConnection(socket, options)
                : throw new InvalidDataException("The other side answered something else than a greeting.");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
