using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What a client sends. It is received when somebody reads, and while nobody has anything unread, there is no buffer.</summary>
internal sealed class SocketInput(EventLoopConnection connection) : PipeReader, IValueTaskSource<ReadResult>
{
    private const int SmallestReceive = 4096;
    private const int LargestReceive = 128 * 1024;

    private readonly Lock _lock = connection.Lock;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private int _receive = SmallestReceive;
    private ReadOnlySequence<byte> _given;
    private bool _isExamined = true;

    // Whether a receive may find something. At first that is not known.
    private bool _isReadable = true;
    private bool _isPeerClosed;
    private bool _isEnd;
    private bool _isCancelled;
    private bool _isWaiting;
    private bool _isComplete;
    private Exception? _failure;
    private ManualResetValueTaskSourceCore<ReadResult> _wait = new() { RunContinuationsAsynchronously = true };

    /// <summary>Whether who waits goes on on the event loop's thread.</summary>
    public bool IsInline
    {
        set => _wait.RunContinuationsAsynchronously = !value;
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<ReadResult> waiting;
        lock (_lock)
        {
            if (TryTake(out var result))
            {
                return new(result);
            }

            _wait.Reset();
            _isWaiting = true;
            waiting = new(this, _wait.Version);
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(waiting, cancellationToken) : waiting;
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        lock (_lock)
        {
            return TryTake(out result);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_lock)
        {
            _isExamined = _given.Slice(examined).IsEmpty;
            _start += (int)_given.Slice(_given.Start, consumed).Length;
            _given = default;
            if (_start == _end)
            {
                GiveBack();
            }
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        lock (_lock)
        {
            if (!_isWaiting)
            {
                _isCancelled = true;
                return;
            }

            _isWaiting = false;
        }

        _wait.SetResult(new(default, isCanceled: true, isCompleted: false));
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        lock (_lock)
        {
            _isComplete = true;
            GiveBack();
        }
    }

    /// <inheritdoc/>
    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _wait.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    /// <summary>There may be something to receive.</summary>
    /// <param name="isPeerClosed">Whether the client sends no more after that.</param>
    public void Ready(bool isPeerClosed)
    {
        ReadResult result;
        lock (_lock)
        {
            _isReadable = true;
            _isPeerClosed |= isPeerClosed;
            if (!_isWaiting || !Receive())
            {
                return;
            }

            _isWaiting = false;
            if (_failure is not null)
            {
                result = default;
            }
            else
            {
                result = Give();
            }
        }

        if (_failure is { } failure)
        {
            _wait.SetException(failure);
        }
        else
        {
            _wait.SetResult(result);
        }
    }

    /// <summary>The connection is over: who reads is told why.</summary>
    public void Fail(Exception failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
            if (!_isWaiting)
            {
                return;
            }

            _isWaiting = false;
        }

        _wait.SetException(failure);
    }

    private bool TryTake(out ReadResult result)
    {
        if (_isCancelled)
        {
            _isCancelled = false;
            result = new(Unread(), isCanceled: true, isCompleted: _isEnd);
            return true;
        }

        if (_start == _end || _isExamined)
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

    private ReadResult Give() => new(Unread(), isCanceled: false, isCompleted: _isEnd);

    private ReadOnlySequence<byte> Unread()
    {
        _isExamined = true;
        return _given = new(_buffer, _start, _end - _start);
    }

    /// <summary>Receives.</summary>
    /// <returns>Whether there is news: bytes, the end, or a failure.</returns>
    private bool Receive()
    {
        if (_isComplete)
        {
            return false;
        }

        MakeRoom();
        var room = _buffer.AsSpan(_end);
        var length = connection.Socket.Receive(room, SocketFlags.None, out var error);
        switch (error)
        {
            case SocketError.Success when length > 0:
                _end += length;
                // A receive that fills less has taken everything that was there (epoll(7)).
                _isReadable = length == room.Length || _isPeerClosed;
                _receive = length == room.Length ? Math.Min(_receive * 2, LargestReceive) : SmallestReceive;
                return true;
            case SocketError.WouldBlock:
                _isReadable = false;
                Leave();
                return false;
            case SocketError.Success:
                _isEnd = true;
                break;
            default:
                _failure = new ConnectionResetException("The client has reset the connection.", new SocketException((int)error));
                break;
        }

        Leave();
        connection.InputEnded();
        return true;

        void Leave()
        {
            if (_start == _end)
            {
                GiveBack();
            }
        }
    }

    private void MakeRoom()
    {
        if (_buffer.Length - _end >= _receive / 2 && _buffer.Length > 0)
        {
            return;
        }

        var unread = _end - _start;
        var larger = ArrayPool<byte>.Shared.Rent(unread + _receive);
        _buffer.AsSpan(_start, unread).CopyTo(larger);
        GiveBack();
        (_buffer, _end) = (larger, unread);
    }

    private void GiveBack()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        (_buffer, _start, _end) = ([], 0, 0);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> waiting, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static (input, token) => ((SocketInput)input!).GiveUp(new OperationCanceledException(token)), this);
        return await waiting;
    }

    private void GiveUp(OperationCanceledException reason)
    {
        lock (_lock)
        {
            if (!_isWaiting)
            {
                return;
            }

            _isWaiting = false;
        }

        _wait.SetException(reason);
    }
}
