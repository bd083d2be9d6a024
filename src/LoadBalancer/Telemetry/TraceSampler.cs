using System.Diagnostics;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using OpenTelemetry.Trace;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>
/// Head sampling: a request whose client sent a trace is traced where the client's is, and of the others
/// <see cref="LoadBalancerOptions.TracesPerSecond"/>. Replicas follow, as the trace is passed on to them.
/// </summary>
/// <remarks>
/// The rate is bounded by the generic cell rate algorithm (ITU-T I.371), which has one number: when the next trace is due. As many
/// as in a second may come at once.
/// </remarks>
internal sealed class TraceSampler : Sampler
{
    private readonly TimeProvider _time;
    private readonly bool _isInUse;
    private readonly long _interval;
    private long _due = long.MinValue;

    public TraceSampler(IConfiguration configuration, IOptions<LoadBalancerOptions> options, TimeProvider time)
    {
        var perSecond = options.Value.TracesPerSecond;
        _time = time;
        _isInUse = !IsReplaced(configuration);
        _interval = perSecond > 0 ? time.TimestampFrequency / perSecond : 0;
    }

    /// <summary>Whether OpenTelemetry's own variable names another sampler.</summary>
    public static bool IsReplaced(IConfiguration configuration) => !string.IsNullOrWhiteSpace(configuration["OTEL_TRACES_SAMPLER"]);

    /// <summary>Whether a request may be traced: if not, it needs no span. Takes nothing.</summary>
    /// <param name="parent">The client's trace, if any.</param>
    public bool MaySample(ActivityContext parent) =>
        !_isInUse || (parent.TraceId != default ? IsSampled(parent) : _interval > 0 && Volatile.Read(ref _due) < _time.GetTimestamp());

    /// <inheritdoc/>
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        var parent = samplingParameters.ParentContext;
        return new(parent.TraceId != default ? IsSampled(parent) : TryTake());
    }

    private static bool IsSampled(ActivityContext context) => (context.TraceFlags & ActivityTraceFlags.Recorded) != 0;

    private bool TryTake()
    {
        var now = _time.GetTimestamp();
        var due = Volatile.Read(ref _due);
        // What was not used for longer than a second is not saved up.
        return _interval > 0
            && due < now
            && Interlocked.CompareExchange(ref _due, Math.Max(due, now - _time.TimestampFrequency) + _interval, due) == due;
    }
}
