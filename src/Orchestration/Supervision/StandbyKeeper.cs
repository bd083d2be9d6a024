using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Keeps one run of a workload waiting, to take over from the one that serves.</summary>
internal sealed class StandbyKeeper(string name, Func<Workload> place, IStandbyRuntime runtime, IClusterOutput output, TimeProvider time) : IDisposable
{
    private const int Tries = 3;

    private CancellationTokenSource _taken = new();
    private Task<IStandby?> _waiting = Task.FromResult<IStandby?>(null);

    /// <summary>Starts one, and another whenever it ends before it is taken.</summary>
    /// <param name="delay">How long to wait before that.</param>
    /// <param name="forward">Takes each line that it writes.</param>
    public void Keep(TimeSpan delay, Action<string> forward)
    {
        _taken.Dispose();
        _taken = new();
        _waiting = KeepAsync(delay, forward, _taken.Token);
    }

    /// <summary>Takes the one that waits, or null when there is none. No other is started until <see cref="Keep"/>.</summary>
    public async Task<IStandby?> TakeAsync()
    {
        await _taken.CancelAsync();
        var standby = await _waiting;
        _waiting = Task.FromResult<IStandby?>(null);
        return standby;
    }

    public void Dispose() => _taken.Dispose();

    private async Task<IStandby?> KeepAsync(TimeSpan delay, Action<string> forward, CancellationToken taken)
    {
        var backoff = new Backoff(time);
        try
        {
            for (var tries = 1; ; tries++)
            {
                await Task.Delay(delay, time, taken);
                delay = backoff.Next();
                try
                {
                    var standby = await runtime.PrepareAsync(place(), forward, taken);
                    await Task.WhenAny(standby.Exited, Task.Delay(Timeout.InfiniteTimeSpan, taken));
                    if (!standby.Exited.IsCompleted)
                    {
                        return standby;
                    }

                    await using (standby)
                    {
                        Warn(tries, $"{name}'s standby ({standby.Id}) exited with code {await standby.Exited}; another in {delay.Describe()}");
                    }
                }
                catch (Exception e) when (!taken.IsCancellationRequested)
                {
                    // A failure of the standby must not affect the process that serves.
                    Warn(tries, $"{name}'s standby did not start: {e.Message.TrimEnd('.')}; another in {delay.Describe()}");
                }

                if (tries == Tries)
                {
                    output.Warn($"{name}'s standby has failed {Tries} times: only a service that references src/Replica waits until it is to serve. It is tried on, silently.");
                }
            }
        }
        catch (Exception) when (taken.IsCancellationRequested)
        {
            return null;
        }
    }

    private void Warn(int tries, string message)
    {
        if (tries <= Tries)
        {
            output.Warn(message);
        }
    }
}
