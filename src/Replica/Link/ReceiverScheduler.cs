using System.IO.Pipelines;
using ClusterAspire.Link;

namespace ClusterAspire.Replica.Link;

/// <summary>
/// Where the requests of a link run. While many come and none blocks, that is the thread that received them: each then needs no other
/// thread to be woken. Else it is the thread pool. Only for replicas with one core: more cores share the requests by the pool.
/// </summary>
/// <param name="startThread">Starts a thread, and says whether it could.</param>
internal sealed class ReceiverScheduler(Func<Action, bool> startThread) : PipeScheduler
{
    // Many are so many within the period in ms, 250 a second. With fewer the watch would cost more than it spares.
    private const int Many = 32;
    private const int Period = 128;

    // In ticks of the watch. A thread that waits for its core makes no progress either.
    private const int HeldUpAfter = 2;
    private const int RateTicks = 64;

    // In ms. What has blocked may block again.
    private const int ShortestPause = 16;
    private const int LongestPause = 1024;

    private LinkConnection _link = null!;
    private Action<LinkConnection> _ended = null!;
    private volatile bool _isInline;
    private int _threads;
    private int _runs;
    private long _countedAt;
    private long _inlineSince;
    private long _pauseUntil;
    private int _pause = ShortestPause;

    // The watch's.
    private long _progress;
    private int _ticksWithoutProgress;
    private int _ticks;
    private int _runsBefore;

    /// <summary>Receives from a link until it is over or another thread does.</summary>
    /// <param name="link">The link, which has this scheduler.</param>
    /// <param name="ended">Is called when it is over.</param>
    public void Receive(LinkConnection link, Action<LinkConnection> ended)
    {
        (_link, _ended) = (link, ended);
        Run(link.Receive);
    }

    /// <inheritdoc/>
    public override void Schedule(Action<object?> action, object? state)
    {
        if (!RunsInline() || !_link.TryRun(action, state))
        {
            ThreadPool.Schedule(action, state);
        }
    }

    /// <summary>A tick of the watch: another thread receives if what runs has blocked this one.</summary>
    /// <returns>Whether requests still run on the thread that receives.</returns>
    public bool Watch()
    {
        var progress = _link.Progress;
        var runs = progress % 2 == 1;
        _ticksWithoutProgress = runs && progress == _progress ? _ticksWithoutProgress + 1 : 0;
        _progress = progress;
        if (_ticksWithoutProgress == HeldUpAfter)
        {
            Pause();
            startThread(() => Run(() => _link.TakeOver(progress)));
        }
        else if (++_ticks % RateTicks == 0)
        {
            _isInline = _runs - _runsBefore >= Many;
            _runsBefore = _runs;
        }

        return _isInline;
    }

    private void Run(Func<bool> receive)
    {
        Interlocked.Increment(ref _threads);
        try
        {
            if (receive())
            {
                _ended(_link);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _threads);
        }
    }

    private bool RunsInline()
    {
        if (++_runs % Many == 0 && !_isInline)
        {
            var now = Environment.TickCount64;
            // A thread that was held up may still be.
            if (now - _countedAt <= Period && now >= _pauseUntil && _threads == 1)
            {
                _isInline = true;
                _inlineSince = now;
                ReceiverWatch.Add(this);
            }

            _countedAt = now;
        }

        return _isInline;
    }

    private void Pause()
    {
        var now = Environment.TickCount64;
        _pause = now - _inlineSince > LongestPause ? ShortestPause : Math.Min(_pause * 2, LongestPause);
        _pauseUntil = now + _pause;
        _isInline = false;
    }
}
