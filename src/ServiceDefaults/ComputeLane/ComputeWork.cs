using System.Diagnostics;

namespace ClusterAspire.ServiceDefaults;

/// <summary>One piece of work in the lane, from the call that queues it to its end.</summary>
internal abstract class ComputeWork
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    /// <summary>When it was queued, as a <see cref="Stopwatch"/> timestamp.</summary>
    public long QueuedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>Runs it in the execution context (activity, culture, async locals) of the caller who queued it.</summary>
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

    /// <summary>Ends it without running it.</summary>
    public abstract void Drop(CancellationToken cancellationToken);

    /// <summary>Runs it to its end and hands the outcome to the caller; null, or the exception it ended with.</summary>
    protected abstract Exception? Run();

    private void RunMeasured(ComputeLaneTelemetry telemetry)
    {
        using var run = telemetry.Start(QueuedAt);
        run.Error = Run();
    }
}

/// <inheritdoc />
/// <typeparam name="T">What the work returns.</typeparam>
internal sealed class ComputeWork<T>(Func<CancellationToken, ValueTask<T>> work, CancellationToken cancellationToken) : ComputeWork
{
    // Continuations must not run on the lane's thread: they are the framework's, and light.
    private readonly TaskCompletionSource<T> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Outcome => _outcome.Task;

    public override void Drop(CancellationToken cancellationToken) => _outcome.TrySetCanceled(cancellationToken);

    protected override Exception? Run()
    {
        try
        {
            _outcome.TrySetResult(LaneSynchronizationContext.Run(() => work(cancellationToken)));
            return null;
        }
        catch (Exception e)
        {
            _outcome.TrySetException(e);
            return e;
        }
    }
}
