using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What a client is sent: by whoever flushes, at once. A flush waits while the system has no room for it.</summary>
internal sealed class SocketOutput(EventLoopConnection connection) : PipeWriter, IValueTaskSource<FlushResult>
{
    private const int SmallestBuffer = 4096;

    private readonly Lock _lock = connection.Lock;
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private bool _isCancelled;
    private bool _isWaiting;
    private ManualResetValueTaskSourceCore<FlushResult> _wait = new() { RunContinuationsAsynchronously = true };

    /// <summary>Whether who waits goes on on the event loop's thread.</summary>
    public bool IsInline
    {
        set => _wait.RunContinuationsAsynchronously = !value;
    }

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _end - _start;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_buffer.Length - _end));
        _end += bytes;
    }

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_end);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(Math.Max(sizeHint, 1));
        return _buffer.AsSpan(_end);
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<FlushResult> waiting;
        lock (_lock)
        {
            if (_isCancelled || Send())
            {
                var result = new FlushResult(_isCancelled, connection.IsClosed);
                _isCancelled = false;
                return new(result);
            }

            _wait.Reset();
            _isWaiting = true;
            waiting = new(this, _wait.Version);
        }

        return cancellationToken.CanBeCanceled ? WaitAsync(waiting, cancellationToken) : waiting;
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush()
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

        _wait.SetResult(new(isCanceled: true, isCompleted: false));
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
        {
            connection.Abort(new ConnectionAbortedException(exception.Message, exception));
        }
    }

    /// <summary>Sends what is left. Nobody writes any more.</summary>
    public async ValueTask CompleteAsync()
    {
        if (UnflushedBytes > 0)
        {
            await FlushAsync(CancellationToken.None);
        }

        lock (_lock)
        {
            GiveBack();
        }
    }

    /// <inheritdoc/>
    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _wait.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _wait.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    /// <summary>There may be room, or the connection is over.</summary>
    public void Ready()
    {
        lock (_lock)
        {
            if (!_isWaiting || !Send())
            {
                return;
            }

            _isWaiting = false;
        }

        _wait.SetResult(new(isCanceled: false, connection.IsClosed));
    }

    /// <summary>Sends.</summary>
    /// <returns>Whether that was all, or nothing more can be sent.</returns>
    private bool Send()
    {
        while (_start < _end && !connection.IsClosed)
        {
            var sent = connection.Socket.Send(_buffer.AsSpan(_start, _end - _start), SocketFlags.None, out var error);
            if (error is SocketError.WouldBlock)
            {
                return false;
            }

            if (error is not SocketError.Success)
            {
                connection.OutputFailed();
                break;
            }

            _start += sent;
        }

        GiveBack();
        return true;
    }

    private void MakeRoom(int length)
    {
        if (_buffer.Length - _end >= length)
        {
            return;
        }

        var unflushed = _end - _start;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, (unflushed + length) * 2));
        _buffer.AsSpan(_start, unflushed).CopyTo(larger);
        GiveBack();
        (_buffer, _end) = (larger, unflushed);
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
    private async ValueTask<FlushResult> WaitAsync(ValueTask<FlushResult> waiting, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(static (output, token) => ((SocketOutput)output!).GiveUp(new OperationCanceledException(token)), this);
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
