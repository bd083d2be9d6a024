using System.Diagnostics;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Edge;
using ClusterAspire.LoadBalancer.Transport;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>A client's connection without TLS while the edge serves it. Kestrel has nothing of it, so it needs little memory while it waits for a request.</summary>
internal sealed class PlainConnection : IOpenConnection, IClosedObserver
{
    private readonly EdgeListener _listener;
    private readonly EventLoopSocket _socket;
    private readonly WatchedOutput _output;
    private readonly EdgeConnection _edge;
    private readonly long _since = Stopwatch.GetTimestamp();
    private long _goneAt = long.MaxValue;

    /// <summary>Takes an accepted socket, which belongs to the connection from now on.</summary>
    public PlainConnection(Socket accepted, EdgeListener listener, EdgeServer edge)
    {
        (_listener, _socket) = (listener, new(accepted, EventLoop.Next()));
        _output = new(_socket.Output);
        _edge = new(edge, listener.Limits, _socket.RemoteEndPoint, isEncrypted: false, _socket.Input, _output);
        _socket.StayOnLoop();
        _socket.Tell(this);
    }

    /// <summary>Begins to serve.</summary>
    /// <exception cref="SocketException">The system takes no more sockets.</exception>
    public void Start()
    {
        _ = ServeAsync();
        try
        {
            _socket.Start();
        }
        catch
        {
            Abort("The system takes no more sockets.");
            throw;
        }
    }

    /// <inheritdoc/>
    public void HandOver()
    {
        // It ends with its next response.
    }

    /// <inheritdoc/>
    public void Stop() => _edge.Close();

    /// <inheritdoc/>
    public void Abort() => Abort("The load balancer stops.");

    /// <inheritdoc/>
    public void Beat()
    {
        _edge.Tick();
        if (_output.Waiting.TotalSeconds > _listener.Options.SendTimeout)
        {
            Abort(WatchedOutput.Stalled);
        }

        if (Environment.TickCount64 > Volatile.Read(ref _goneAt))
        {
            _edge.Gone();
        }
    }

    /// <inheritdoc/>
    void IClosedObserver.Closed()
    {
        var wait = TimeSpan.FromSeconds(_listener.Options.HalfCloseTimeout);
        if (wait > TimeSpan.Zero && !_socket.IsClosed && HalfClosed.Is(_socket.Socket))
        {
            Volatile.Write(ref _goneAt, Environment.TickCount64 + (long)wait.TotalMilliseconds);
        }
        else
        {
            _edge.Gone();
        }
    }

    private void Abort(string reason) => _socket.Abort(new ConnectionAbortedException(reason));

    private async Task ServeAsync()
    {
        _listener.Begins(this);
        EdgeEnd end;
        try
        {
            end = await _edge.ServeAsync();
        }
        catch (Exception exception)
        {
            _listener.Failed(exception);
            end = EdgeEnd.Broken;
        }

        if (end is EdgeEnd.Broken)
        {
            Abort(EdgeConnection.Incomplete);
        }

        var isLeft = end is EdgeEnd.LeftToKestrel && _listener.TryLeave(_socket, _edge.Failed);
        if (!isLeft)
        {
            await _socket.CloseAsync();
        }

        _listener.Ends(this, isLeft ? null : Stopwatch.GetElapsedTime(_since));
    }
}
