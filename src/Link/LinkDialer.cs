using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Link;

/// <summary>Connects to a replica by the link.</summary>
public static class LinkDialer
{
    /// <summary>Connects.</summary>
    /// <param name="endPoint">A Unix socket, or the address that the replica's HTTP server listens at.</param>
    /// <param name="port">The port of the replica's HTTP server.</param>
    /// <param name="options">How this side of the link works.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="SocketException">Nothing listens there.</exception>
    /// <exception cref="InvalidDataException">The server there does not support the link.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static async Task<LinkConnection> ConnectAsync(EndPoint endPoint, int port, LinkConnectionOptions options, CancellationToken cancellationToken)
    {
        var socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            await socket.SendAsync(Greeting.Write(port), cancellationToken);
            var answer = new byte[Greeting.Length];
            for (var read = 0; read < answer.Length;)
            {
                var length = await socket.ReceiveAsync(answer.AsMemory(read), cancellationToken);
                read += length > 0 ? length : throw new InvalidDataException("The other side closed the connection in place of a greeting.");
            }

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
