using System.Buffers;
using System.IO.Pipelines;
using ClusterAspire.Link;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>An input that is received when somebody reads. While nobody has anything unread, there is no buffer.</summary>
/// <param name="guard">Is held while something is received, given or taken back.</param>
internal abstract class ReceivedInput(Lock guard) : PipeReader
{
    private ReadOnlySequence<byte> _given;
    private bool _isExamined = true;
    private bool _isCancelled;

    /// <summary>The read that waits.</summary>
    public Wait<ReadResult> Wait { get; } = new(guard);

    /// <summary>Is held while something is received, given or taken back.</summary>
    protected Lock Guard => guard;

    /// <summary>What has been received and not been read.</summary>
    protected PooledBuffer Unread { get; } = new();

    /// <summary>Whether no more comes.</summary>
    protected bool IsEnd { get; set; }

    /// <summary>Why nothing can be received any more, or null.</summary>
    protected Exception? Failure { get; set; }

    /// <summary>Whether nobody reads any more.</summary>
    protected bool IsComplete { get; private set; }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<ReadResult> begun;
        lock (guard)
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
        lock (guard)
        {
            return TryTake(out result);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (guard)
        {
            _isExamined = _given.Slice(examined).IsEmpty;
            Unread.Take((int)_given.Slice(_given.Start, consumed).Length);
            _given = default;
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        lock (guard)
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
        lock (guard)
        {
            IsComplete = true;
            Unread.Clear();
        }
    }

    /// <summary>Receives what is there; under the guard.</summary>
    /// <returns>Whether there is news: bytes, the end, or a failure.</returns>
    protected abstract bool TryReceive();

    /// <summary>Ends the wait, under the guard, because there is news.</summary>
    /// <param name="result">The news, for <see cref="End"/>.</param>
    /// <returns>Whether somebody waited. Then the caller calls <see cref="End"/>, not under the guard.</returns>
    protected bool TryEnd(out ReadResult result)
    {
        var was = Wait.TryEnd();
        result = was && Failure is null ? Give() : default;
        return was;
    }

    /// <summary>Who waited goes on.</summary>
    protected void End(ReadResult result)
    {
        if (Failure is { } failure)
        {
            Wait.Fail(failure);
        }
        else
        {
            Wait.Complete(result);
        }
    }

    private bool TryTake(out ReadResult result)
    {
        if (!_isCancelled && (Unread.Length == 0 || _isExamined))
        {
            if (Failure is null && !IsEnd && !TryReceive())
            {
                result = default;
                return false;
            }

            if (Failure is { } failure)
            {
                throw failure;
            }
        }

        result = Give();
        return true;
    }

    private ReadResult Give()
    {
        _given = new(Unread.Bytes);
        ReadResult result = new(_given, _isCancelled, isCompleted: IsEnd);
        (_isExamined, _isCancelled) = (true, false);
        return result;
    }
}
