namespace ClusterAspire.Bench;

/// <summary>Clients each of which sends its next request when it has the answer to the one before.</summary>
/// <param name="time">The clock.</param>
/// <param name="send">Sends one request; gives back why it failed, or null.</param>
internal sealed class ClosedLoop(TimeProvider time, Func<CancellationToken, Task<string?>> send)
{
    // Wait after a refusal, so as not to flood a server that refuses at once.
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs for as long as the plan says.</summary>
    /// <param name="plan">How long.</param>
    /// <param name="load">How many clients.</param>
    /// <param name="start">The clock's timestamp at which they begin.</param>
    /// <param name="leave">When cancelled, clients leave without waiting for their answers; what they waited for is not recorded.</param>
    public async Task<StreamReport> RunAsync(LoadPlan plan, ClosedLoad load, long start, CancellationToken leave)
    {
        var warmUp = TimeSpan.FromSeconds(plan.WarmUpSeconds);
        var end = warmUp + TimeSpan.FromSeconds(plan.Seconds);
        var recorder = new StreamRecorder(warmUp, end);
        await Task.WhenAll(Enumerable.Range(0, load.Concurrency).Select(_ => ClientAsync(start, end, recorder, leave)));
        return recorder.Report();
    }

    private async Task ClientAsync(long start, TimeSpan end, StreamRecorder recorder, CancellationToken leave)
    {
        for (var due = time.GetElapsedTime(start); due < end && !leave.IsCancellationRequested; due = time.GetElapsedTime(start))
        {
            try
            {
                var failure = await send(leave);
                recorder.Answered(due, time.GetElapsedTime(start), failure);
                if (failure is not null)
                {
                    await Task.Delay(PauseAfterFailure, time, leave);
                }
            }
            catch (OperationCanceledException) when (leave.IsCancellationRequested)
            {
                return;
            }
        }
    }
}
