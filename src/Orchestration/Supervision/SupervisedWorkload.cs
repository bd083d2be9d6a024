using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Keeps one workload running: whatever way it ends, it is started again, until it is told to stop.</summary>
internal sealed class SupervisedWorkload(
    Workload workload,
    IRuntime runtime,
    StandbyKeeper? standbys,
    Func<Uri, CancellationToken, Task> waitForHealth,
    IClusterOutput output,
    TimeProvider time) : IDisposable
{
    private const int FirstTries = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // What has just begun to serve is still being compiled: a standby that starts beside it would slow it down.
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Backoff _backoff = new(time);
    private TimeSpan _standbyDelay = Calm;
    private TimeSpan _limit;
    private CancellationToken _atOnce;
    private string? _lastWords;

    /// <summary>Completes when it has been healthy for the first time.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Completes with true when it has been healthy for the first time, with false when it has ended three times before that.</summary>
    public Task<bool> Tried => _tried.Task;

    /// <summary>Ends when it has stopped.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>The last line that it wrote, those of a stack trace aside, or null.</summary>
    public string? LastWords => Volatile.Read(ref _lastWords);

    public void Start() => Running = Task.Run(KeepRunningAsync);

    /// <summary>Asks it to drain and to exit, and returns once it has gone.</summary>
    /// <param name="limit">It is killed after that long.</param>
    /// <param name="atOnce">Kills it when cancelled.</param>
    public async Task StopAsync(TimeSpan limit, CancellationToken atOnce)
    {
        _limit = limit;
        _atOnce = atOnce;
        await _stop.CancelAsync();
        await Running;
    }

    public void Dispose()
    {
        _stop.Dispose();
        standbys?.Dispose();
    }

    private async Task KeepRunningAsync()
    {
        try
        {
            var standby = default(IStandby);
            for (var tries = 1; ; tries++)
            {
                var ended = await RunOnceAsync(standby);
                var delay = _backoff.Next();
                standby = standbys is null ? null : await standbys.TakeAsync();
                _standbyDelay = Calm > delay ? Calm : delay;
                if (standby is not null)
                {
                    output.Warn($"{ended}; its standby ({standby.Id}) takes over");
                    continue;
                }

                output.Warn($"{ended}; restarting in {delay.Describe()}");
                if (tries == FirstTries && !Ready.IsCompleted)
                {
                    output.Warn($"{workload.Name} has ended {FirstTries} times before it answered {workload.Health}: its output above says why.");
                    _tried.TrySetResult(false);
                }

                await Task.Delay(delay, time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // As told.
        }
        catch (Exception e)
        {
            _tried.TrySetException(e);
            throw;
        }
        finally
        {
            await EndStandbyAsync();
        }
    }

    private async Task<string> RunOnceAsync(IStandby? standby)
    {
        IInstance started;
        try
        {
            started = standby ?? await runtime.StartAsync(workload, Forward, _stop.Token);
        }
        catch (ClusterException e)
        {
            return $"{workload.Name} did not start: {e.Message.TrimEnd('.')}";
        }

        await using var instance = started;
        await (standby?.ServeAsync() ?? Task.CompletedTask);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var watching = WatchHealthAsync(instance, ended.Token);
        await Task.WhenAny(instance.Exited, Task.Delay(Timeout.InfiniteTimeSpan, ended.Token));
        await ended.CancelAsync();
        await watching;
        if (_stop.IsCancellationRequested)
        {
            await StopAsync(instance);
        }

        _stop.Token.ThrowIfCancellationRequested();
        return $"{workload.Name} ({instance.Id}) exited with code {await instance.Exited}";
    }

    private async Task WatchHealthAsync(IInstance instance, CancellationToken ended)
    {
        try
        {
            var healthy = waitForHealth(workload.Health, ended);
            if (await Task.WhenAny(healthy, Task.Delay(Patience, time, ended)) != healthy && !ended.IsCancellationRequested)
            {
                output.Warn($"{workload.Name} ({instance.Id}) has not answered {workload.Health} for {Patience.Describe()}; still waiting");
            }

            await healthy;
            _backoff.Healthy();
            output.Say($"{workload.Name} ({instance.Id}) is ready{(workload.Core is { } core ? $" on core {core}" : "")}");
            _ready.TrySetResult();
            _tried.TrySetResult(true);
            standbys?.Keep(_standbyDelay, Forward);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // It ended first.
        }
    }

    private async Task StopAsync(IInstance instance)
    {
        if (!_atOnce.IsCancellationRequested)
        {
            await instance.StopAsync();
            await Task.WhenAny(instance.Exited, Task.Delay(_limit, time, _atOnce));
        }

        if (!instance.Exited.IsCompleted)
        {
            if (!_atOnce.IsCancellationRequested)
            {
                output.Warn($"{workload.Name} ({instance.Id}) has not ended within {_limit.Describe()}: killing it");
            }

            await instance.KillAsync();
            await instance.Exited;
        }
    }

    private async Task EndStandbyAsync()
    {
        // It has nothing to drain.
        if (standbys is not null && await standbys.TakeAsync() is { } standby)
        {
            await standby.KillAsync();
            await standby.Exited;
            await standby.DisposeAsync();
        }
    }

    private void Forward(string line)
    {
        if (line is not "" && !char.IsWhiteSpace(line[0]))
        {
            Volatile.Write(ref _lastWords, line);
        }

        output.Line(workload.Name, line);
    }
}
