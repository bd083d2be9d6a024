namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Finds out that something hangs, as a kubelet's startup and liveness probes do.</summary>
/// <param name="alive">Its liveness probe.</param>
/// <param name="limits">What it is allowed.</param>
/// <param name="ask">How to ask: <see cref="Probe.AskAsync"/>.</param>
/// <param name="time">How waiting is done.</param>
public sealed class LivenessWatch(Uri alive, LivenessLimits limits, Func<Uri, CancellationToken, Task<ProbeResult>> ask, TimeProvider time)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    /// <summary>Watches from the start of a run.</summary>
    /// <returns>Completes when it hangs, with what to tell the user: <c>has not answered http://… for 30 s (Connection refused)</c>.</returns>
    /// <exception cref="OperationCanceledException">Cancelled first.</exception>
    public async Task<string> HangsAsync(CancellationToken cancellationToken)
    {
        var (silence, answered, last) = (TimeSpan.Zero, false, "no answer yet");
        for (var answer = default(Task<ProbeResult>); ;)
        {
            answer ??= ask(alive, cancellationToken);
            await Task.Delay(Period, time, cancellationToken);

            // Silence is counted in periods and not by the clock, because this process may have been suspended and could not ask.
            var result = answer.IsCompleted ? await answer : new(ProbeOutcome.Unanswered, last);
            answer = answer.IsCompleted ? null : answer;
            last = result.Text;
            answered |= result.Outcome is ProbeOutcome.Serves;
            silence = result.Outcome switch
            {
                ProbeOutcome.Serves => TimeSpan.Zero,
                ProbeOutcome.Unknown => silence,
                _ => silence + Period,
            };
            var limit = answered ? limits.Silence : limits.Start;
            var more = answered && result.Outcome is ProbeOutcome.Closed ? limits.Drain : TimeSpan.Zero;
            if (silence - more >= limit)
            {
                return $"has not answered {alive} for {(limit + more).Describe()} ({last})";
            }
        }
    }
}
