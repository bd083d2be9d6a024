using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>
/// A client's connection on an event loop, as Kestrel has connections: a system call for what a request is read from, and one for the
/// answer, on the thread that was told of it.
/// </summary>
internal sealed class EventLoopConnection : DefaultConnectionContext, IEventLoopSocket, IConnectionSocketFeature, IDuplexPipe
{
    // As much as Kestrel's own connections read ahead of the server, in bytes. So a client that has left is noticed behind so much.
    private const int ReadAhead = 1024 * 1024;

    private readonly EventLoop _loop;
    private readonly SocketInput _input;
    private readonly SocketOutput _output;
    private readonly CancellationTokenSource _closed = new();
    private bool _isClosedTold;

    /// <summary>Takes an accepted socket.</summary>
    /// <param name="socket">The socket, which belongs to the connection from now on.</param>
    /// <param name="loop">The loop.</param>
    public EventLoopConnection(Socket socket, EventLoop loop)
    {
        (Socket, _loop, Descriptor) = (socket, loop, (int)socket.Handle);
        (_input, _output) = (new(this), new(this));
        Transport = this;
        ConnectionClosed = _closed.Token;
        (LocalEndPoint, RemoteEndPoint) = (socket.LocalEndPoint, socket.RemoteEndPoint);
        Features.Set<IConnectionSocketFeature>(this);
        socket.Blocking = false;
        loop.Add(this);
    }

    /// <inheritdoc/>
    public Socket Socket { get; }

    /// <inheritdoc/>
    public int Descriptor { get; }

    /// <inheritdoc/>
    public long Number { get; } = EventLoop.NewNumber();

    /// <summary>Guards the socket, which is used by the loop and by the server.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Whether the socket is closed.</summary>
    public bool IsClosed { get; private set; }

    /// <inheritdoc/>
    public PipeReader Input => _input;

    /// <inheritdoc/>
    public PipeWriter Output => _output;

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (Lock)
        {
            if (IsClosed)
            {
                return;
            }

            Close();
            // The client sees a reset, not an end.
            Socket.Close(timeout: 0);
        }

        Over(abortReason);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _output.CompleteAsync();
        _input.Complete();
        lock (Lock)
        {
            if (!IsClosed)
            {
                Close();
                End();
            }
        }

        Over(new ConnectionAbortedException("The connection has been closed."));
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    public void Happened(EpollEvents events)
    {
        var isOver = (events & (EpollEvents.Failed | EpollEvents.HungUp)) != 0;
        var isPeerClosed = isOver || (events & EpollEvents.PeerClosed) != 0;
        if (isPeerClosed || (events & EpollEvents.Readable) != 0)
        {
            _input.Ready(isPeerClosed);
        }

        if (isOver || (events & EpollEvents.Writable) != 0)
        {
            _output.Ready();
        }

        if (isPeerClosed && (isOver || IsReadToEnd()))
        {
            TellClosed();
        }
    }

    /// <summary>From now on the server goes on on the loop's thread, so it does not block. Before, a TLS handshake would.</summary>
    public void StayOnLoop()
    {
        _input.Wait.IsInline = true;
        _output.Wait.IsInline = true;
    }

    /// <summary>All that the client sent has been read, and it sends no more.</summary>
    public void InputEnded() => TellClosed();

    /// <summary>The client cannot be sent anything any more.</summary>
    public void OutputFailed()
    {
        Close();
        Socket.Dispose();
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Over(new ConnectionResetException("The client has reset the connection.")), this, preferLocal: false);
    }

    private bool IsReadToEnd()
    {
        lock (Lock)
        {
            try
            {
                return IsClosed || Socket.Available <= ReadAhead;
            }
            catch (SocketException)
            {
                return true;
            }
        }
    }

    // Under the lock; the socket is closed by the caller.
    private void Close()
    {
        IsClosed = true;
        _loop.Remove(this);
    }

    private void End()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
            // Closed with something unread, a socket is reset, and the client may lose the answer.
            Span<byte> rest = stackalloc byte[4096];
            for (var read = 0; read < ReadAhead;)
            {
                var length = Socket.Receive(rest, SocketFlags.None, out var error);
                if (error is not SocketError.Success || length == 0)
                {
                    break;
                }

                read += length;
            }
        }
        catch (SocketException)
        {
            // The client was faster.
        }

        Socket.Dispose();
    }

    private void Over(Exception failure)
    {
        _input.Fail(failure);
        _output.Ready();
        TellClosed();
    }

    // As Kestrel's own connections do, elsewhere: who is told may do anything.
    private void TellClosed()
    {
        if (!Interlocked.Exchange(ref _isClosedTold, true))
        {
            ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Cancel(), this, preferLocal: false);
        }
    }

    private void Cancel()
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
