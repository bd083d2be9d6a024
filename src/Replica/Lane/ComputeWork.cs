using System.Diagnostics;

namespace ClusterAspire.Replica.Lane;

/// <summary>One piece of work in the lane, from the call that queues it to its end.</summary>
internal abstract class ComputeWork
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly long _queuedAt = Stopwatch.GetTimestamp();

    /// <summary>Runs it on the calling thread, in the execution context (activity, culture, async locals) of its caller.</summary>
    public void Run(ComputeLaneTelemetry telemetry)
    {
        if (_context is null)
        {
            RunMeasured(telemetry);
        }
        else
        {
            ExecutionContext.Run(_context, _ => RunMeasured(telemetry), null);
        }
    }

    /// <summary>Hands the outcome to the caller. Apart from running, so that nothing is measured or freed after the answer.</summary>
    public abstract void Complete();

    /// <summary>Ends it without running it.</summary>
    public abstract void Drop(CancellationToken cancellationToken);

    /// <summary>Runs it to its end.</summary>
    /// <returns>Null, or the exception it ended with.</returns>
    protected abstract Exception? Run();

    private void RunMeasured(ComputeLaneTelemetry telemetry)
    {
        using var run = telemetry.Start(_queuedAt);
        run.Error = Run();
    }
}

/// <inheritdoc />
/// <typeparam name="T">What the work returns.</typeparam>
internal sealed class ComputeWork<T>(ComputeLane lane, Func<CancellationToken, ValueTask<T>> work, CancellationToken cancellationToken) : ComputeWork
{
    // Continuations are light work of the framework and must not run on the lane's thread.
    private readonly TaskCompletionSource<T> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _error;
    private T? _result;

    public Task<T> Outcome => _outcome.Task;

    public override void Complete()
    {
        if (_error is null)
        {
            _outcome.TrySetResult(_result!);
        }
        else
        {
            _outcome.TrySetException(_error);
        }
    }

    public override void Drop(CancellationToken cancellationToken) => _outcome.TrySetCanceled(cancellationToken);

    protected override Exception? Run()
    {
        try
        {
            _result = LaneSynchronizationContext.Run(lane, () => work(cancellationToken));
        }
        catch (Exception e)
        {
            _error = e;
        }

        return _error;
    }
}
