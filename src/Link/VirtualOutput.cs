using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Link;

/// <summary>Sends to a virtual connection's other side. What is not flushed is in a buffer that an idle connection does not have.</summary>
internal sealed class VirtualOutput(VirtualConnection connection) : PipeWriter
{
    private const int SmallestBuffer = 4096;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private bool _isComplete;
    private volatile bool _isCancelled;

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
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (connection.IsClosed)
        {
            // The same result as of a pipe whose reader has completed.
            GiveBack();
            return new(new FlushResult(isCanceled: false, isCompleted: true));
        }

        _isCancelled = false;
        return SendUnflushed() && !connection.IsCongested ? new(default(FlushResult)) : WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush()
    {
        _isCancelled = true;
        connection.StopWaitingToSend();
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (_isComplete)
        {
            return;
        }

        _isComplete = true;
        if (connection.IsClosed)
        {
            GiveBack();
        }
        else if (exception is null && SendUnflushed())
        {
            connection.EndSending();
        }
        else
        {
            GiveBack();
            connection.Close(CloseReason.Aborted);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> WaitAsync(CancellationToken cancellationToken)
    {
        do
        {
            await connection.WaitToSendAsync(UnflushedBytes > 0).WaitAsync(cancellationToken);
            if (_isCancelled)
            {
                return new(isCanceled: true, isCompleted: connection.IsClosed);
            }
        }
        while (!connection.IsClosed && !SendUnflushed());

        return new(isCanceled: false, connection.IsClosed);
    }

    /// <summary>Sends what may be sent.</summary>
    /// <returns>Whether that was all.</returns>
    private bool SendUnflushed()
    {
        try
        {
            _start += _end > _start ? connection.Send(_buffer.AsSpan(_start, _end - _start)) : 0;
        }
        catch (LinkBrokenException)
        {
            _start = _end;
        }

        if (_start < _end)
        {
            return false;
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

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, (_end - _start + length) * 2));
        _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
        var unflushed = _end - _start;
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
}
