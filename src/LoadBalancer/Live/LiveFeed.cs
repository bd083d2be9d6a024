using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>
/// Keeps five minutes of every replica, second by second, and notifies open pages of each new second. It reads figures that the load
/// balancer counts anyway, so a light request costs no more.
/// </summary>
internal sealed partial class LiveFeed(UpstreamCatalog replicas, ComputeQueue queue, TimeProvider time, ILogger<LiveFeed> logger) : BackgroundService
{
    /// <summary>How many seconds are kept.</summary>
    public const int Kept = 300;

    // It reads a second this long after its end, when the probes of that second have been answered.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly Queue<(long Second, int Length)> _queueLength = new(Kept);
    private Dictionary<Upstream, ReplicaRecorder> _recorders = [];
    private volatile Lazy<LiveSnapshot> _latest = new(new LiveSnapshot(0, [], []));

    /// <summary>A second is over. Raised on the feed's thread: handlers must return at once.</summary>
    public event Action? Updated;

    /// <summary>The last five minutes. Put together when somebody asks, once a second at most.</summary>
    public LiveSnapshot Latest => _latest.Value;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var next = LatencyHistory.SecondAt(time);
        while (true)
        {
            await Task.Delay(UntilNextSecond() + Pause, time, stoppingToken);
            try
            {
                next = Advance(next);
            }
            catch (Exception e)
            {
                // A failure here must affect neither the load balancer nor the next second.
                Log.Failed(logger, e);
            }
        }
    }

    private long Advance(long next)
    {
        var now = LatencyHistory.SecondAt(time);
        lock (_lock)
        {
            // YARP's configuration adds and removes replicas.
            _recorders = replicas.All.ToDictionary(replica => replica, replica => _recorders.GetValueOrDefault(replica) ?? new(replica));
            for (next = Math.Max(next, now - LatencyHistory.SecondsKept); next < now; next++)
            {
                Close(next);
            }
        }

        _latest = new(() => Read(now - 1));
        Updated?.Invoke();
        return next;
    }

    private TimeSpan UntilNextSecond() => TimeSpan.FromTicks(TimeSpan.TicksPerSecond - (time.GetElapsedTime(0).Ticks % TimeSpan.TicksPerSecond));

    private LiveSnapshot Read(long second)
    {
        lock (_lock)
        {
            return new(second, [.. _queueLength], [.. _recorders.Values.Select(recorder => recorder.Read())]);
        }
    }

    private void Close(long second)
    {
        foreach (var recorder in _recorders.Values)
        {
            recorder.Close(second);
        }

        if (_queueLength.Count == Kept)
        {
            _queueLength.Dequeue();
        }

        _queueLength.Enqueue((second, queue.Length));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The live page missed a second.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
