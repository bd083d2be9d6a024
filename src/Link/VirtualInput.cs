using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Link;

/// <summary>What a virtual connection's other side sent; as it is read, more may come.</summary>
internal sealed class VirtualInput(VirtualConnection connection, PipeReader received) : PipeReader
{
    private ReadOnlySequence<byte> _buffer;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var read = received.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? new(Check(read.Result)) : WaitAsync(read);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (!received.TryRead(out result))
        {
            return false;
        }

        result = Check(result);
        return true;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        var read = (int)_buffer.Slice(_buffer.Start, consumed).Length;
        _buffer = default;
        received.AdvanceTo(consumed, examined);
        connection.HasRead(read);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => received.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => received.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read) => Check(await read);

    private ReadResult Check(ReadResult result)
    {
        if (result is { IsCanceled: true, IsCompleted: false } && connection is { IsClosed: true, Failure: { } failure })
        {
            received.AdvanceTo(result.Buffer.Start);
            throw new LinkBrokenException(failure.Message, failure);
        }

        _buffer = result.Buffer;
        return result;
    }
}
