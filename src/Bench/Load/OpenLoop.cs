using System.Collections.Concurrent;

namespace ClusterAspire.Bench;

/// <summary>
/// Sends requests at a steady rate and measures each from the moment it was due, so that a server that stalls is charged
/// for every request that would have come meanwhile ("coordinated omission", Gil Tene, as wrk2 corrects it).
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="sleep">Sleeps for about so long; waking early or late is made up for.</param>
/// <param name="send">Sends one request; gives back why it failed, or null.</param>
internal sealed class OpenLoop(TimeProvider time, Action<TimeSpan> sleep, Func<CancellationToken, Task<string?>> send)
{
    private readonly ConcurrentDictionary<long, TimeSpan> _unanswered = [];

    /// <summary>Runs for as long as the plan says and gives back when all are answered or waiting for them ended.</summary>
    /// <param name="plan">How long.</param>
    /// <param name="load">At which rate.</param>
    /// <param name="start">The clock's timestamp at which the first request is due.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<StreamReport> RunAsync(LoadPlan plan, OpenLoad load, long start, CancellationToken cancellationToken)
    {
        var warmUp = TimeSpan.FromSeconds(plan.WarmUpSeconds);
        var end = warmUp + TimeSpan.FromSeconds(plan.Seconds);
        var recorder = new StreamRecorder(warmUp, end);
        var answers = new List<Task>();

        for (var number = 0L; ; number++)
        {
            var due = TimeSpan.FromSeconds(number / load.Rate);
            if (due >= end)
            {
                break;
            }

            for (var early = due - time.GetElapsedTime(start); early > TimeSpan.Zero; early = due - time.GetElapsedTime(start))
            {
                cancellationToken.ThrowIfCancellationRequested();
                sleep(early);
            }

            _unanswered[number] = due;
            answers.Add(SendAsync(number, due, start, recorder, cancellationToken));
        }

        try
        {
            await Task.WhenAll(answers).WaitAsync(TimeSpan.FromSeconds(plan.DrainSeconds), time, cancellationToken);
        }
        catch (TimeoutException)
        {
            var now = time.GetElapsedTime(start);
            foreach (var number in _unanswered.Keys)
            {
                if (_unanswered.TryRemove(number, out var due))
                {
                    recorder.Unanswered(due, now);
                }
            }
        }

        return recorder.Report();
    }

    private async Task SendAsync(long number, TimeSpan due, long start, StreamRecorder recorder, CancellationToken cancellationToken)
    {
        var failure = await send(cancellationToken);
        var answered = time.GetElapsedTime(start);
        if (_unanswered.TryRemove(number, out _))
        {
            recorder.Answered(due, answered, failure);
        }
    }
}
