using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// Answers a client that has closed its side of the connection, for a limited time. It cannot be distinguished from a client that has
/// left, whose requests must end.
/// </summary>
internal sealed class HalfClosed : IDisposable
{
    private const int Tcp = 6;
    private const int TcpInfo = 11;
    private const byte CloseWait = 8;

    private readonly ConnectionContext _connection;
    private readonly CancellationToken _before;
    private readonly CancellationTokenSource _gone = new();
    private readonly CancellationTokenRegistration _closed;
    private readonly Socket? _socket;
    private readonly TimeSpan _wait;

    /// <summary>Puts off what Kestrel is told of the connection's end.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="wait">For how long.</param>
    public HalfClosed(ConnectionContext connection, TimeSpan wait)
    {
        (_connection, _before, _wait) = (connection, connection.ConnectionClosed, wait);
        _socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        _closed = _before.UnsafeRegister(static half => ((HalfClosed)half!).Closed(), this);
        connection.ConnectionClosed = _gone.Token;
    }

    /// <summary>Whether a client has closed its side of a connection.</summary>
    public static bool Is(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        try
        {
            // The first byte of Linux' struct tcp_info is the connection's state.
            Span<byte> state = stackalloc byte[1];
            return socket.GetRawSocketOption(Tcp, TcpInfo, state) == 1 && state[0] == CloseWait;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.ConnectionClosed = _before;
        _closed.Dispose();
        _gone.Dispose();
    }

    private void Closed()
    {
        try
        {
            if (_wait > TimeSpan.Zero && _socket is not null && Is(_socket))
            {
                _gone.CancelAfter(_wait);
            }
            else
            {
                _gone.Cancel();
            }
        }
        catch (ObjectDisposedException)
        {
            // The connection ended at the same moment.
        }
    }
}
