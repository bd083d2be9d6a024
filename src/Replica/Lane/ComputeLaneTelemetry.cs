using System.Diagnostics;
using System.Diagnostics.Metrics;
using ClusterAspire.Replica.Telemetry;

namespace ClusterAspire.Replica.Lane;

/// <summary>What the lane tells about itself: instruments, and a span each for waiting and running.</summary>
internal sealed class ComputeLaneTelemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Source = "ClusterAspire.ComputeLane";

    private const string Prefix = "clusteraspire.compute_lane.";

    private static readonly ActivitySource Spans = new(Source);

    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _runTime;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _dropped;

    public ComputeLaneTelemetry(IMeterFactory meters, Func<int> queueLength, Func<int> running)
    {
        var meter = meters.Create(Source);
        meter.CreateObservableUpDownCounter(Prefix + "queue_length", queueLength, "{work}", "Work waiting for a thread of the compute lane.");
        meter.CreateObservableUpDownCounter(Prefix + "running", running, "{work}", "Work running on a thread of the compute lane.");
        _queueTime = meter.CreateDurations(Prefix + "queue_time", "How long work waited for a thread of the compute lane.");
        _runTime = meter.CreateDurations(Prefix + "run_time", "How long work ran on a thread of the compute lane.");
        _rejected = meter.CreateCounter<long>(Prefix + "rejected", "{work}", "Work refused because the queue was full.");
        _dropped = meter.CreateCounter<long>(Prefix + "dropped", "{work}", "Queued work whose caller left before it ran.");
    }

    public void Rejected() => _rejected.Add(1);

    public void Dropped() => _dropped.Add(1);

    /// <summary>Tells that work queued at this <see cref="Stopwatch"/> timestamp runs from now on, until the result is disposed.</summary>
    public Run Start(long queuedAt)
    {
        var waited = Stopwatch.GetElapsedTime(queuedAt);
        _queueTime.Record(waited.TotalSeconds);
        using (Spans.StartActivity("compute_lane queue", ActivityKind.Internal, default(ActivityContext), startTime: DateTimeOffset.UtcNow - waited))
        {
        }

        return new Run(this, Spans.StartActivity("compute_lane run"));
    }

    internal sealed class Run(ComputeLaneTelemetry telemetry, Activity? span) : IDisposable
    {
        private readonly long _startedAt = Stopwatch.GetTimestamp();

        /// <summary>What the work ended with, when not with success.</summary>
        public Exception? Error { get; set; }

        public void Dispose()
        {
            var ran = Stopwatch.GetElapsedTime(_startedAt).TotalSeconds;
            if (Error is null)
            {
                telemetry._runTime.Record(ran);
            }
            else
            {
                var error = Error.GetType().FullName;
                telemetry._runTime.Record(ran, new KeyValuePair<string, object?>("error.type", error));
                span?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error, Error.Message);
            }

            span?.Dispose();
        }
    }
}
