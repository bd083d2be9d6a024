using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>A client's connection on an event loop, as Kestrel has connections.</summary>
internal sealed class EventLoopConnection : DefaultConnectionContext, IConnectionSocketFeature, IClosedObserver
{
    private readonly EventLoopSocket _socket;
    private readonly CancellationTokenSource _closed = new();

    /// <summary>Takes an accepted socket.</summary>
    /// <param name="socket">The socket, which belongs to the connection from now on.</param>
    /// <param name="loop">The loop.</param>
    /// <exception cref="SocketException">The system takes no more sockets.</exception>
    public EventLoopConnection(Socket socket, EventLoop loop)
        : this(new EventLoopSocket(socket, loop)) => _socket.Start();

    /// <summary>Takes a client's socket that may have been used.</summary>
    /// <param name="socket">The socket, which belongs to the connection from now on.</param>
    public EventLoopConnection(EventLoopSocket socket)
    {
        _socket = socket;
        Transport = socket;
        ConnectionClosed = _closed.Token;
        (LocalEndPoint, RemoteEndPoint) = (socket.LocalEndPoint, socket.RemoteEndPoint);
        Features.Set<IConnectionSocketFeature>(this);
        socket.Tell(this);
    }

    /// <inheritdoc/>
    public Socket Socket => _socket.Socket;

    /// <summary>What the client is sent, encrypted where the connection is.</summary>
    public SocketOutput Output => _socket.Output;

    /// <summary>Whether the edge has left it to Kestrel.</summary>
    public bool WasAtEdge { get; init; }

    /// <inheritdoc cref="EventLoopSocket.StayOnLoop"/>
    public void StayOnLoop() => _socket.StayOnLoop();

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason) => _socket.Abort(abortReason);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _socket.CloseAsync();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    void IClosedObserver.Closed()
    {
        try
        {
            _closed.Cancel();
        }
        catch (AggregateException)
        {
            // Of those who were told.
        }
    }
}
