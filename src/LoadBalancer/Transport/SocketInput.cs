using System.ComponentModel;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What a client sends.</summary>
internal sealed class SocketInput(EventLoopSocket connection) : ReceivedInput(connection.Lock)
{
    private const int SmallestReceive = 4096;
    private const int LargestReceive = 128 * 1024;

    private int _receive = SmallestReceive;

    // Whether a receive may find something: the loop says so, at first too.
    private bool _isReadable;
    private bool _isPeerClosed;

    /// <summary>There may be something to receive.</summary>
    /// <param name="isPeerClosed">Whether the client sends no more after that.</param>
    public void Ready(bool isPeerClosed)
    {
        ReadResult result;
        lock (connection.Lock)
        {
            _isReadable = true;
            _isPeerClosed |= isPeerClosed;
            if (!Wait.IsPending || !TryReceive() || !TryEnd(out result))
            {
                return;
            }
        }

        End(result);
    }

    /// <summary>The connection is over: who reads is told why.</summary>
    public void Fail(Exception failure)
    {
        lock (connection.Lock)
        {
            Failure ??= failure;
            if (!Wait.TryEnd())
            {
                return;
            }
        }

        Wait.Fail(failure);
    }

    /// <inheritdoc/>
    protected override bool TryReceive()
    {
        if (!_isReadable || IsComplete || connection.IsClosed)
        {
            return false;
        }

        var room = Unread.Room(_receive / 2).Span;
        var length = NonBlocking.Receive(connection.Descriptor, room, out var error);
        if (length > 0)
        {
            Unread.Add(length);
            // A receive that fills less has taken everything that was there (epoll(7)).
            var isFull = length == room.Length;
            _isReadable = isFull || _isPeerClosed;
            _receive = isFull ? Math.Min(_receive * 2, LargestReceive) : SmallestReceive;
            return true;
        }

        Unread.ClearIfEmpty();
        if (error is NonBlocking.WouldBlock)
        {
            _isReadable = false;
            return false;
        }

        IsEnd = length == 0;
        Failure = IsEnd ? null : new ConnectionResetException("The client has reset the connection.", new Win32Exception(error));
        connection.InputEnded();
        return true;
    }
}
