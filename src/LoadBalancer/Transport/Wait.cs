using System.Threading.Tasks.Sources;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What the one who reads, or the one who flushes, waits for; used again and again.</summary>
/// <param name="guard">Is held by who begins or ends it.</param>
internal sealed class Wait<T>(Lock guard) : IValueTaskSource<T>
{
    private ManualResetValueTaskSourceCore<T> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;

    /// <summary>Whether who waits goes on on the thread that completes it; else on the thread pool.</summary>
    public bool IsInline
    {
        set => _source.RunContinuationsAsynchronously = !value;
    }

    /// <summary>Whether somebody waits.</summary>
    public bool IsPending { get; private set; }

    /// <summary>Begins to wait; under the guard.</summary>
    public ValueTask<T> Begin()
    {
        _source.Reset();
        IsPending = true;
        return new(this, _source.Version);
    }

    /// <summary>Ends the wait, under the guard.</summary>
    /// <returns>Whether somebody waited. Then the caller calls <see cref="Complete"/> or <see cref="Fail"/>, not under the guard.</returns>
    public bool TryEnd()
    {
        var was = IsPending;
        IsPending = false;
        return was;
    }

    /// <summary>Who waited goes on.</summary>
    public void Complete(T result) => _source.SetResult(result);

    /// <summary>Who waited goes on with an exception.</summary>
    public void Fail(Exception exception) => _source.SetException(exception);

    /// <summary>The wait that was begun, unless it is cancelled.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public ValueTask<T> OrCancelled(ValueTask<T> begun, CancellationToken cancellationToken)
    {
        _cancellation = cancellationToken.UnsafeRegister(static (wait, token) => ((Wait<T>)wait!).Cancel(token), this);
        return begun;
    }

    /// <inheritdoc/>
    T IValueTaskSource<T>.GetResult(short token)
    {
        _cancellation.Dispose();
        return _source.GetResult(token);
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Cancel(CancellationToken cancellationToken)
    {
        lock (guard)
        {
            if (!TryEnd())
            {
                return;
            }
        }

        Fail(new OperationCanceledException(cancellationToken));
    }
}
