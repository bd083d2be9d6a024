using System.Buffers;
using System.ComponentModel;
using System.IO.Pipelines;
using ClusterAspire.Link;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What a client sends. It is received when somebody reads, and while nobody has anything unread, there is no buffer.</summary>
internal sealed class SocketInput(EventLoopSocket connection) : PipeReader
{
    private const int SmallestReceive = 4096;
    private const int LargestReceive = 128 * 1024;

    private readonly PooledBuffer _unread = new();
    private ReadOnlySequence<byte> _given;
    private int _receive = SmallestReceive;
    private bool _isExamined = true;

    // Whether a receive may find something: the loop says so, at first too.
    private bool _isReadable;
    private bool _isPeerClosed;
    private bool _isEnd;
    private bool _isCancelled;
    private bool _isComplete;
    private Exception? _failure;

    /// <summary>The read that waits.</summary>
    public Wait<ReadResult> Wait { get; } = new(connection.Lock);

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<ReadResult> begun;
        lock (connection.Lock)
        {
            if (TryTake(out var result))
            {
                return new(result);
            }

            begun = Wait.Begin();
        }

        return Wait.OrCancelled(begun, cancellationToken);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        lock (connection.Lock)
        {
            return TryTake(out result);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (connection.Lock)
        {
            _isExamined = _given.Slice(examined).IsEmpty;
            _unread.Take((int)_given.Slice(_given.Start, consumed).Length);
            _given = default;
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        lock (connection.Lock)
        {
            if (!Wait.TryEnd())
            {
                _isCancelled = true;
                return;
            }
        }

        Wait.Complete(new(default, isCanceled: true, isCompleted: false));
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        lock (connection.Lock)
        {
            _isComplete = true;
            _unread.Clear();
        }
    }

    /// <summary>There may be something to receive.</summary>
    /// <param name="isPeerClosed">Whether the client sends no more after that.</param>
    public void Ready(bool isPeerClosed)
    {
        ReadResult result = default;
        lock (connection.Lock)
        {
            _isReadable = true;
            _isPeerClosed |= isPeerClosed;
            if (!Wait.IsPending || !Receive() || !Wait.TryEnd())
            {
                return;
            }

            if (_failure is null)
            {
                result = Give();
            }
        }

        if (_failure is { } failure)
        {
            Wait.Fail(failure);
        }
        else
        {
            Wait.Complete(result);
        }
    }

    /// <summary>The connection is over: who reads is told why.</summary>
    public void Fail(Exception failure)
    {
        lock (connection.Lock)
        {
            _failure ??= failure;
            if (!Wait.TryEnd())
            {
                return;
            }
        }

        Wait.Fail(failure);
    }

    private bool TryTake(out ReadResult result)
    {
        if (_isCancelled)
        {
            _isCancelled = false;
            result = Give(isCancelled: true);
            return true;
        }

        if (_unread.Length == 0 || _isExamined)
        {
            if (_failure is null && !_isEnd && !(_isReadable && Receive()))
            {
                result = default;
                return false;
            }

            if (_failure is { } failure)
            {
                throw failure;
            }
        }

        result = Give();
        return true;
    }

    private ReadResult Give(bool isCancelled = false)
    {
        _isExamined = true;
        _given = new(_unread.Bytes);
        return new(_given, isCancelled, isCompleted: _isEnd);
    }

    /// <summary>Receives.</summary>
    /// <returns>Whether there is news: bytes, the end, or a failure.</returns>
    private bool Receive()
    {
        if (_isComplete || connection.IsClosed)
        {
            return false;
        }

        var room = _unread.Room(_receive / 2).Span;
        var length = NonBlocking.Receive(connection.Descriptor, room, out var error);
        if (length > 0)
        {
            _unread.Add(length);
            // A receive that fills less has taken everything that was there (epoll(7)).
            var isFull = length == room.Length;
            _isReadable = isFull || _isPeerClosed;
            _receive = isFull ? Math.Min(_receive * 2, LargestReceive) : SmallestReceive;
            return true;
        }

        _unread.ClearIfEmpty();
        if (error is NonBlocking.WouldBlock)
        {
            _isReadable = false;
            return false;
        }

        _isEnd = length == 0;
        _failure = _isEnd ? null : new ConnectionResetException("The client has reset the connection.", new Win32Exception(error));
        connection.InputEnded();
        return true;
    }
}
