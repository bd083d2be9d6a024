using System.Diagnostics;
using System.Diagnostics.Metrics;
using ClusterAspire.Contract;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Lane;

/// <summary>
/// Runs CPU-bound work on as many dedicated threads as the process has cores, at the lowest priority the operating system
/// has, so that light requests never wait for it: neither for a thread of the pool nor for the core.
/// </summary>
/// <remarks>
/// Asynchronous work keeps its thread until it has completed; the code after an <c>await</c> returns to that thread unless it uses
/// <c>ConfigureAwait(false)</c>. Work that uses the lane itself runs the inner work on its own thread.
/// </remarks>
public sealed partial class ComputeLane : IDisposable
{
    private readonly LinkedList<ComputeWork> _queue = [];
    private readonly CancellationTokenSource _end = new();
    private readonly ComputeLaneTelemetry _telemetry;
    private readonly ILogger _logger;
    private readonly int _queueLimit;
    private readonly long[] _since;
    private readonly TimeSpan _stuckAfter;
    private int _running;
    private bool _ended;

    /// <summary>Starts the lane's threads.</summary>
    /// <param name="options">How many threads, and how much work may wait for them.</param>
    /// <param name="meters">Makes the lane's meter.</param>
    /// <param name="logger">Is told when the priority cannot be lowered.</param>
    public ComputeLane(IOptions<ComputeLaneOptions> options, IMeterFactory meters, ILogger<ComputeLane> logger)
    {
        _logger = logger;
        _queueLimit = options.Value.QueueLimit;
        _telemetry = new(meters, () => QueueLength, () => Running);
        _stuckAfter = TimeSpan.FromSeconds(options.Value.StuckAfter);
        Threads = options.Value.Threads is 0 ? Environment.ProcessorCount : options.Value.Threads;
        _since = new long[Threads];
        for (var i = 0; i < Threads; i++)
        {
            var thread = i;
            new Thread(() => Work(thread)) { IsBackground = true, Name = $"Compute lane {i}" }.Start();
        }
    }

    /// <summary>How many pieces of work run at the same time.</summary>
    public int Threads { get; }

    /// <summary>How many pieces of work are running.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>What it is doing.</summary>
    public LaneHealth Health
    {
        get
        {
            long[] since = [.. _since.Select((_, i) => Volatile.Read(ref _since[i])).Where(started => started != 0)];
            return new(
                Running,
                QueueLength,
                since.Length == 0 ? null : Stopwatch.GetElapsedTime(since.Min()).TotalSeconds,
                since.Length == Threads && Stopwatch.GetElapsedTime(since.Max()) > _stuckAfter);
        }
    }

    /// <summary>How many pieces of work are waiting for a thread.</summary>
    public int QueueLength
    {
        get
        {
            lock (_queue)
            {
                return _queue.Count;
            }
        }
    }

    /// <summary>Runs <paramref name="work"/> on a thread of the lane.</summary>
    /// <param name="work">The work. Its token is cancelled with <paramref name="cancellationToken"/> and when the lane ends.</param>
    /// <param name="cancellationToken">When cancelled while the work is still waiting, the work is dropped without running.</param>
    /// <exception cref="ComputeLaneFullException">All threads are busy and the queue is full.</exception>
    /// <exception cref="ObjectDisposedException">The lane has ended.</exception>
    /// <exception cref="OperationCanceledException">The caller left, or the lane ended, before the work ran.</exception>
    public Task RunAsync(Action<CancellationToken> work, CancellationToken cancellationToken = default) =>
        RunAsync(
            token =>
            {
                work(token);
                return true;
            },
            cancellationToken);

    /// <inheritdoc cref="RunAsync(Action{CancellationToken}, CancellationToken)" />
    /// <typeparam name="T">What the work returns.</typeparam>
    public Task<T> RunAsync<T>(Func<CancellationToken, T> work, CancellationToken cancellationToken = default) =>
        QueueAsync(token => new ValueTask<T>(work(token)), cancellationToken);

    /// <inheritdoc cref="RunAsync(Action{CancellationToken}, CancellationToken)" />
    public Task RunAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken = default) =>
        QueueAsync(
            async token =>
            {
                await work(token);
                return true;
            },
            cancellationToken);

    /// <inheritdoc cref="RunAsync{T}(Func{CancellationToken, T}, CancellationToken)" />
    public Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken = default) =>
        QueueAsync(token => new ValueTask<T>(work(token)), cancellationToken);

    /// <summary>Ends the lane: waiting work is dropped, running work is told by its token; nobody waits for it.</summary>
    public void Dispose()
    {
        ComputeWork[] waiting;
        lock (_queue)
        {
            waiting = [.. _queue];
            _queue.Clear();
            _ended = true;
            Monitor.PulseAll(_queue);
        }

        _end.Cancel();

        foreach (var work in waiting)
        {
            work.Drop(_end.Token);
        }
    }

    internal async Task<T> QueueAsync<T>(Func<CancellationToken, ValueTask<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        if (LaneSynchronizationContext.Inside(this) is { } outer)
        {
            // Inner work uses the thread of the outer work. In the queue it could wait forever for the thread that waits for it.
            return await outer.RunNestedAsync(() => work(leaving.Token));
        }

        var queued = new ComputeWork<T>(this, work, leaving.Token);
        var place = Enqueue(queued);
        await using var registration = cancellationToken.UnsafeRegister(_ => Leave(place, cancellationToken), null);
        return await queued.Outcome;
    }

    private LinkedListNode<ComputeWork> Enqueue(ComputeWork work)
    {
        lock (_queue)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            // Work that an idle thread is about to take does not count as waiting.
            if (_queue.Count < _queueLimit + Threads - _running)
            {
                var place = _queue.AddLast(work);
                Monitor.Pulse(_queue);
                return place;
            }
        }

        _telemetry.Rejected();
        throw new ComputeLaneFullException(Threads, _queueLimit);
    }

    private void Leave(LinkedListNode<ComputeWork> place, CancellationToken cancellationToken)
    {
        lock (_queue)
        {
            if (place.List is null)
            {
                return;
            }

            _queue.Remove(place);
        }

        _telemetry.Dropped();
        place.Value.Drop(cancellationToken);
    }

    private void Work(int thread)
    {
        if (!LowPriority.Enter())
        {
            Log.PriorityNotLowered(_logger);
        }

        while (Dequeue() is { } work)
        {
            Volatile.Write(ref _since[thread], Stopwatch.GetTimestamp());
            work.Run(_telemetry);
            Volatile.Write(ref _since[thread], 0);
            Interlocked.Decrement(ref _running);
            work.Complete();
        }
    }

    private ComputeWork? Dequeue()
    {
        lock (_queue)
        {
            while (_queue.First is null)
            {
                if (_ended)
                {
                    return null;
                }

                Monitor.Wait(_queue);
            }

            var work = _queue.First.Value;
            _queue.RemoveFirst();
            Interlocked.Increment(ref _running);
            return work;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The compute lane runs at normal priority: this system does not let its threads go lower, so light requests share the cores with it.")]
        public static partial void PriorityNotLowered(ILogger logger);
    }
}
