using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>
/// A client's socket on an event loop: a system call for what a request is read from, and one for the answer, on the thread that was
/// told of it.
/// </summary>
internal sealed class EventLoopSocket : IEventLoopSocket, IDuplexPipe
{
    // As much as Kestrel's own connections read ahead of the server, in bytes. So a client that has left is noticed behind so much.
    private const int ReadAhead = 1024 * 1024;

    private readonly EventLoop _loop;
    private readonly SocketInput _input;
    private readonly SocketOutput _output;
    private IClosedObserver? _observer;
    private bool _isClosedTold;

    /// <summary>Takes an accepted socket.</summary>
    /// <param name="socket">The socket, which belongs to this from now on.</param>
    /// <param name="loop">The loop.</param>
    public EventLoopSocket(Socket socket, EventLoop loop)
    {
        (Socket, _loop, Descriptor) = (socket, loop, (int)socket.Handle);
        RemoteEndPoint = socket.RemoteEndPoint;
        (_input, _output) = (new(this), new(this));
    }

    /// <summary>The socket. Nobody waits for it but the loop.</summary>
    public Socket Socket { get; }

    /// <inheritdoc/>
    public int Descriptor { get; }

    /// <inheritdoc/>
    public uint Number { get; } = EventLoop.NewNumber();

    /// <inheritdoc/>
    public EpollEvents Awaited => EpollEvents.Readable | EpollEvents.Writable | EpollEvents.PeerClosed;

    /// <summary>Guards the socket, which is used by the loop and by the server.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Whether the socket is closed.</summary>
    public bool IsClosed { get; private set; }

    /// <inheritdoc/>
    public PipeReader Input => _input;

    /// <inheritdoc/>
    public SocketOutput Output => _output;

    /// <inheritdoc/>
    PipeWriter IDuplexPipe.Output => _output;

    /// <summary>The client's address.</summary>
    public EndPoint? RemoteEndPoint { get; }

    /// <summary>The server's address; null when the socket is closed.</summary>
    public EndPoint? LocalEndPoint
    {
        get
        {
            lock (Lock)
            {
                return IsClosed ? null : Socket.LocalEndPoint;
            }
        }
    }

    /// <summary>Begins to receive and to send.</summary>
    /// <exception cref="SocketException">The system takes no more sockets.</exception>
    public void Start() => _loop.Add(this);

    /// <summary>From now on the server goes on on the loop's thread, so it does not block. Before, a TLS handshake would.</summary>
    public void StayOnLoop()
    {
        _input.Wait.IsInline = true;
        _output.Wait.IsInline = true;
    }

    /// <summary>Who is told, instead of who was before, when the client has gone; at once if it has.</summary>
    public void Tell(IClosedObserver observer)
    {
        lock (Lock)
        {
            _observer = observer;
            if (!_isClosedTold)
            {
                return;
            }
        }

        Tell();
    }

    /// <summary>Ends the connection: the client sees a reset, not an end.</summary>
    public void Abort(ConnectionAbortedException reason)
    {
        lock (Lock)
        {
            if (IsClosed)
            {
                return;
            }

            Close();
            Socket.Close(timeout: 0);
        }

        Over(reason);
    }

    /// <summary>Ends the connection when the client has what was written.</summary>
    public async ValueTask CloseAsync()
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

    /// <summary>All that the client sent has been read, and it sends no more.</summary>
    public void InputEnded() => TellClosed();

    /// <summary>The client cannot be sent anything any more.</summary>
    public void OutputFailed()
    {
        Close();
        Socket.Dispose();
        ThreadPool.UnsafeQueueUserWorkItem(static socket => socket.Over(new ConnectionResetException("The client has reset the connection.")), this, preferLocal: false);
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
        EventLoop.Remove(this);
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
                var length = NonBlocking.Receive(Descriptor, rest, out _);
                if (length <= 0)
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

    private void TellClosed()
    {
        lock (Lock)
        {
            if (_isClosedTold)
            {
                return;
            }

            _isClosedTold = true;
        }

        Tell();
    }

    // As Kestrel's own connections do, elsewhere: who is told may do anything.
    private void Tell()
    {
        if (_observer is { } observer)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static told => told.Closed(), observer, preferLocal: false);
        }
    }
}

/// <summary>Whoever is told that a client has gone.</summary>
internal interface IClosedObserver
{
    /// <summary>The client sends no more, or the connection is over. On the thread pool.</summary>
    void Closed();
}
