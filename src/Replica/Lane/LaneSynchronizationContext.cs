using System.Collections.Concurrent;

namespace ClusterAspire.Replica.Lane;

/// <summary>
/// Keeps an asynchronous handler on the lane's thread: what follows each <c>await</c> comes back to it, and the thread
/// waits in between, so that one piece of work holds one compute slot from its start to its end.
/// </summary>
internal sealed class LaneSynchronizationContext : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _posted = [];

    private LaneSynchronizationContext()
    {
    }

    /// <summary>Runs <paramref name="work"/> on the calling thread until it has completed, continuations and all.</summary>
    public static T Run<T>(Func<ValueTask<T>> work)
    {
        var lane = new LaneSynchronizationContext();
        var previous = Current;
        SetSynchronizationContext(lane);
        try
        {
            var running = work().AsTask();
            if (!running.IsCompleted)
            {
                running.ContinueWith(_ => lane._posted.CompleteAdding(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                foreach (var (callback, state) in lane._posted.GetConsumingEnumerable())
                {
                    callback(state);
                }
            }

            return running.GetAwaiter().GetResult();
        }
        finally
        {
            lane._posted.CompleteAdding();
            SetSynchronizationContext(previous);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        try
        {
            _posted.Add((d, state));
        }
        catch (InvalidOperationException)
        {
            // The work is over; what it left behind is the thread pool's.
            base.Post(d, state);
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    public override SynchronizationContext CreateCopy() => this;
}
