using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Link;

/// <summary>Sends to a virtual connection's other side. What is not flushed is in a buffer that an idle connection does not have.</summary>
internal sealed class VirtualOutput(VirtualConnection connection) : PooledWriter
{
    private bool _isComplete;
    private volatile bool _isCancelled;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (Unflushed.Length >= Frame.LongestData)
        {
            // What makes whole frames need not wait for the flush in ever larger buffers.
            SendUnflushed();
        }

        return base.GetMemory(sizeHint);
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (connection.IsClosed)
        {
            // The same result as of a pipe whose reader has completed.
            Unflushed.Clear();
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
            Unflushed.Clear();
        }
        else if (exception is null && SendUnflushed())
        {
            connection.EndSending();
        }
        else
        {
            Unflushed.Clear();
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
            if (Unflushed.Length > 0)
            {
                Unflushed.Take(connection.Send(Unflushed.Bytes.Span));
            }
        }
        catch (LinkBrokenException)
        {
            Unflushed.Clear();
        }

        return Unflushed.Length == 0;
    }
}
