#pragma warning disable VSTHRD001, VSTHRD002, VSTHRD110 // It blocks the lane's own threads on purpose.
namespace ClusterAspire.Replica.Lane;

/// <summary>
/// Keeps asynchronous work on the lane: the code after each <c>await</c> returns to the work's thread, which waits in between, so that the
/// work holds its compute slot from its start to its end.
/// </summary>
/// <remarks>
/// Work that blocks on something asynchronous (<c>.Result</c>, <c>.Wait()</c>) would wait for a continuation that waits for the
/// blocked thread. So while all threads of the work are blocked, a further one, of the same low priority, runs its
/// continuations.
/// </remarks>
internal sealed class LaneSynchronizationContext : SynchronizationContext
{
    // The interval at which blocked threads are looked for while continuations wait.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(5);

    private static readonly AsyncLocal<LaneSynchronizationContext?> Flowing = new();

    private readonly object _lock = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

    // The threads that run a part of this work at the moment, blocked or not.
    private readonly List<Thread> _running = [];
    private readonly ComputeLane _lane;
    private bool _isWatched;
    private bool _isOver;

    private LaneSynchronizationContext(ComputeLane lane) => _lane = lane;

    /// <summary>The work of this lane that the caller is part of, on whatever thread; null when it is part of none, or that is over.</summary>
    public static LaneSynchronizationContext? Inside(ComputeLane lane) =>
        Flowing.Value is { _isOver: false } context && context._lane == lane ? context : null;

    /// <summary>Runs <paramref name="work"/> on the calling thread until it has completed, continuations and all.</summary>
    public static T Run<T>(ComputeLane lane, Func<ValueTask<T>> work)
    {
        var context = new LaneSynchronizationContext(lane);
        var previous = Current;
        SetSynchronizationContext(context);
        Flowing.Value = context;
        try
        {
            return context.Run(work);
        }
        finally
        {
            context.End();
            SetSynchronizationContext(previous);
        }
    }

    /// <summary>Runs nested work: here when the caller is on a thread of this work, else on one of them.</summary>
    public Task<T> RunNestedAsync<T>(Func<ValueTask<T>> work)
    {
        if (Current == this)
        {
            return work().AsTask();
        }

        var outcome = new TaskCompletionSource<Task<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var callers = ExecutionContext.Capture();
        Post(
            _ =>
            {
                if (callers is null)
                {
                    Start(null);
                }
                else
                {
                    ExecutionContext.Run(callers, Start, null);
                }
            },
            null);
        return outcome.Task.Unwrap();

        void Start(object? _)
        {
            try
            {
                outcome.SetResult(work().AsTask());
            }
            catch (Exception e)
            {
                outcome.SetException(e);
            }
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _posted.Enqueue((d, state));
                Monitor.PulseAll(_lock);
                Watch();
                return;
            }
        }

        // The work has ended. The thread pool runs the continuations that are left.
        base.Post(d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    public override SynchronizationContext CreateCopy() => this;

    private T Run<T>(Func<ValueTask<T>> work)
    {
        Enter();
        Task<T> running;
        try
        {
            running = work().AsTask();
        }
        finally
        {
            Leave();
        }

        if (!running.IsCompleted)
        {
            running.ContinueWith(_ => End(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            while (TryTake(out var next))
            {
                Invoke(next);
            }
        }

        return running.GetAwaiter().GetResult();
    }

    private bool TryTake(out (SendOrPostCallback Callback, object? State) next)
    {
        lock (_lock)
        {
            while (!_posted.TryDequeue(out next))
            {
                if (_isOver)
                {
                    return false;
                }

                Monitor.Wait(_lock);
            }

            _running.Add(Thread.CurrentThread);
            Watch();
            return true;
        }
    }

    private void Invoke((SendOrPostCallback Callback, object? State) next)
    {
        try
        {
            next.Callback(next.State);
        }
        finally
        {
            Leave();
        }
    }

    private void Enter()
    {
        lock (_lock)
        {
            _running.Add(Thread.CurrentThread);
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _running.Remove(Thread.CurrentThread);
        }
    }

    private void End()
    {
        lock (_lock)
        {
            _isOver = true;
            Monitor.PulseAll(_lock);
        }
    }

    // Under the lock. While a thread waits in TryTake, that one takes what is posted.
    private void Watch()
    {
        if (_posted.Count > 0 && _running.Count > 0 && !_isWatched)
        {
            _isWatched = true;
            new Thread(Help) { IsBackground = true, Name = "Compute lane helper" }.Start();
        }
    }

    private void Help()
    {
        LowPriority.Enter();
        SetSynchronizationContext(this);
        if (TryTakeFromBlocked(out var next))
        {
            Invoke(next);
        }
    }

    /// <summary>Takes a continuation once all threads of the work are blocked.</summary>
    /// <returns>False when another thread has taken all of them.</returns>
    private bool TryTakeFromBlocked(out (SendOrPostCallback Callback, object? State) next)
    {
        lock (_lock)
        {
            while (_posted.Count > 0 && _running.Count > 0)
            {
                if (_running.TrueForAll(thread => thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin)))
                {
                    next = _posted.Dequeue();
                    _running.Add(Thread.CurrentThread);
                    _isWatched = false;
                    // This thread may block as well.
                    Watch();
                    return true;
                }

                Monitor.Wait(_lock, LookInterval);
            }

            next = default;
            return _isWatched = false;
        }
    }
}
