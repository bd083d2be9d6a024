using System.Diagnostics;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Keeps one workload running: starts it again whenever it ends or hangs, until it is told to stop.</summary>
internal sealed class SupervisedWorkload(
    Workload workload,
    IRuntime runtime,
    bool standby,
    LivenessLimits limits,
    Func<Uri, CancellationToken, Task<ProbeResult>> ask,
    IClusterOutput output,
    TimeProvider time) : IDisposable
{
    private const int FirstTries = 3;
    private static readonly TimeSpan NotReadyWarningDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReadinessInterval = TimeSpan.FromMilliseconds(50);

    // A killed process ends at once. A container does not while its engine does not answer.
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(5);

    // A process that has just begun to serve is still compiling its code, and a standby that starts beside it would slow it down.
    private static readonly TimeSpan LeastStandbyDelay = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _firstEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LivenessWatch _liveness = new(workload.Alive, limits, ask, time);
    private readonly CorePlacement _placement = new(workload, runtime, output);
    private readonly CrashLoop _crashes = new(time, atOnce: true);
    private readonly LastOutput _lastOutput = new();
    private StandbyKeeper? _standbys;
    private TimeSpan _standbyDelay = LeastStandbyDelay;
    private TimeSpan _limit;
    private CancellationToken _atOnce;
    private string? _loop;
    private bool _handsOver;
    private int _leftBehind;
    private IInstance? _instance;
    private DateTimeOffset? _startedAt;
    private bool _isReady;
    private int _restarts;
    private string? _lastEnd;

    /// <summary>Is told each time it is to be started again: why, a <see cref="RestartReason"/>.</summary>
    public Action<string> Restarts { get; init; } = _ => { };

    /// <summary>Where its starts are traced.</summary>
    public required SupervisorTraces Traces { get; init; }

    /// <summary>Completes when it has been healthy for the first time.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Completes with true when it has been healthy for the first time, with false when it has ended three times before that.</summary>
    public Task<bool> Tried => _tried.Task;

    /// <summary>Completes when it has had all the time that a start may take.</summary>
    public Task Late { get; private set; } = Task.CompletedTask;

    /// <summary>Ends when it has stopped.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>The last line that it wrote, without the lines of a stack trace, or null.</summary>
    public string? LastLine => _lastOutput.Line;

    /// <summary>What it is doing.</summary>
    public WorkloadStatus Status => new(
        workload.Name,
        State,
        _instance?.Id,
        _instance?.Core,
        workload.Port,
        _startedAt,
        _restarts,
        _instance?.Memory,
        _lastEnd);

    private WorkloadState State =>
        _stop.IsCancellationRequested ? WorkloadState.Draining
        : _isReady ? WorkloadState.Ready
        : _crashes.IsLooping ? WorkloadState.CrashLoop
        : _restarts > 0 ? WorkloadState.Restarting
        : WorkloadState.Starting;

    public void Start()
    {
        _standbys = standby && runtime is IStandbyRuntime prepared ? new(workload.Name, _placement.Place, prepared, output, time) : null;
        Late = Task.Delay(limits.Start, time, _stop.Token);
        Running = Task.Run(KeepRunningAsync);
    }

    /// <summary>Waits until it is ready, or is known not to get there.</summary>
    /// <returns>Null when it is ready, else what happened: <c>exited with code 1</c>.</returns>
    public async Task<string?> WhyNotReadyAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAny(Ready, _firstEnd.Task, Late).WaitAsync(cancellationToken);
        return Ready.IsCompleted ? null
            : _firstEnd.Task.IsCompleted ? await _firstEnd.Task
            : $"has not answered {workload.Health} for {limits.Start.Describe()}";
    }

    /// <summary>Asks it to drain and to exit, and returns once it has gone, or cannot be ended.</summary>
    /// <param name="limit">It is killed after that long.</param>
    /// <param name="atOnce">Kills it when cancelled.</param>
    /// <param name="handsOver">Whether another has taken its sockets over.</param>
    public async Task StopAsync(TimeSpan limit, CancellationToken atOnce, bool handsOver = false)
    {
        _limit = limit;
        _handsOver = handsOver;
        _atOnce = atOnce;
        await _stop.CancelAsync();
        if (await Task.WhenAny(Running, GiveUpAsync()) != Running)
        {
            ReportLeftovers();
        }
    }

    public void Dispose()
    {
        _stop.Dispose();
        _standbys?.Dispose();
    }

    private async Task KeepRunningAsync()
    {
        try
        {
            var waiting = default(IStandby);
            var why = default(string);
            for (var tries = 1; ; tries++)
            {
                (var who, var how, why) = await RunOnceAsync(waiting, why);
                (_isReady, _instance, _lastEnd) = (false, null, how);
                _restarts++;
                Restarts(why);
                _firstEnd.TrySetResult(how);
                var delay = _crashes.Ended();
                waiting = _standbys is null ? null : await _standbys.TakeAsync();
                _standbyDelay = LeastStandbyDelay > delay ? LeastStandbyDelay : delay;
                if (waiting is not null)
                {
                    output.Warn($"{who} {how}; its standby ({waiting.Id}) takes over");
                    continue;
                }

                ReportExit(who, how, delay);
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
            // It was told to stop.
        }
        finally
        {
            await EndStandbyAsync();
        }
    }

    // A crash loop is reported when it begins, and again when the workload ends in another way than before.
    private void ReportExit(string who, string how, TimeSpan delay)
    {
        if (!_crashes.IsLooping)
        {
            _loop = null;
            output.Warn($"{who} {how}; restarting {(delay > TimeSpan.Zero ? $"in {delay.Describe()}" : "at once")}");
        }
        else if (_loop != how)
        {
            _loop = how;
            output.Warn(
                $"{workload.Name} is in a crash loop: it has ended {_crashes.Ends} times in a row; the last time it {how} and its last words were: {LastLine ?? "none"}. "
                + $"It is tried again every {delay.Describe()}, silently, and serves as soon as the cause is mended.");
        }
    }

    private async Task<(string Who, string How, string Why)> RunOnceAsync(IStandby? waiting, string? again)
    {
        using var start = Traces.BeginStart(workload.Name, again);
        IInstance started;
        try
        {
            started = waiting ?? await runtime.StartAsync(_placement.Place(), Forward, _stop.Token);
        }
        catch (Exception e) when (!_stop.IsCancellationRequested)
        {
            SupervisorTraces.Fail(start, e.Message, RestartReason.Start);
            return (workload.Name, $"did not start: {e.Message.TrimEnd('.')}", RestartReason.Start);
        }

        await using var instance = started;
        (_instance, _startedAt) = (instance, time.GetUtcNow());
        await (waiting?.ServeAsync() ?? Task.CompletedTask);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var hangs = _liveness.HangsAsync(ended.Token);
        var watching = WatchHealthAsync(instance, start, ended.Token);
        var first = await Task.WhenAny(instance.Exited, hangs, Task.Delay(Timeout.InfiniteTimeSpan, ended.Token));
        await ended.CancelAsync();
        await watching;
        if (_stop.IsCancellationRequested)
        {
            await StopAsync(instance);
        }

        _stop.Token.ThrowIfCancellationRequested();
        var who = $"{workload.Name} ({instance.Id})";
        var (how, why) = first == hangs
            ? (await KillHungAsync(instance, await hangs), RestartReason.Hang)
            : ($"exited with code {await instance.Exited}", RestartReason.Exit);
        if (start is { IsStopped: false })
        {
            SupervisorTraces.Fail(start, how, why);
        }

        return (who, how, why);
    }

    private async Task WatchHealthAsync(IInstance instance, Activity? start, CancellationToken ended)
    {
        var last = default(ProbeResult);
        try
        {
            var ready = WaitUntilReadyAsync();
            if (await Task.WhenAny(ready, Task.Delay(NotReadyWarningDelay, time, ended)) != ready && !ended.IsCancellationRequested)
            {
                output.Warn($"{workload.Name} ({instance.Id}) is not ready after {NotReadyWarningDelay.Describe()}, as {workload.Health} gives: {last.Text ?? "no answer yet"}; still waiting");
            }

            await ready;
            start?.Stop();
            _crashes.Healthy();
            _isReady = true;
            output.Say($"{workload.Name} ({instance.Id}) is ready{(instance.Core is { } core ? $" on core {core}" : "")}{Odd(last)}");
            _ready.TrySetResult();
            _tried.TrySetResult(true);
            _standbys?.Keep(_standbyDelay, Forward);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // It ended first.
        }

        async Task WaitUntilReadyAsync()
        {
            while ((last = await ask(workload.Health, ended)).Outcome is not ProbeOutcome.Serves)
            {
                await Task.Delay(ReadinessInterval, ended);
            }
        }
    }

    private static string Odd(ProbeResult answer) =>
        answer.StatusCode is 0 or 200 ? "" : $" (its health answers {answer.Text}, which is taken for yes)";

    private async Task<string> KillHungAsync(IInstance instance, string why)
    {
        output.Warn($"{workload.Name} ({instance.Id}) {why}: killing it");
        while (!await IsKilledAsync(instance))
        {
            _stop.Token.ThrowIfCancellationRequested();
            output.Warn($"{workload.Name} ({instance.Id}) has not ended {KillLimit.Describe()} after it was killed; trying again");
        }

        return "was killed, as it hung";
    }

    private async Task StopAsync(IInstance instance)
    {
        if (!_atOnce.IsCancellationRequested)
        {
            await Task.WhenAny(_handsOver ? instance.HandOverAsync() : instance.StopAsync(), Task.Delay(KillLimit, time, _atOnce));
            await Task.WhenAny(instance.Exited, Task.Delay(_limit, time, _atOnce));
        }

        if (!instance.Exited.IsCompleted)
        {
            if (!_atOnce.IsCancellationRequested)
            {
                output.Warn($"{workload.Name} ({instance.Id}) has not ended within {_limit.Describe()}: killing it");
            }

            if (!await IsKilledAsync(instance))
            {
                ReportLeftovers();
            }
        }
    }

    private void ReportLeftovers()
    {
        if (Interlocked.Exchange(ref _leftBehind, 1) is 0)
        {
            output.Warn($"{workload.Name} could not be ended and is left behind.");
        }
    }

    private async Task<bool> IsKilledAsync(IInstance instance)
    {
        var limit = Task.Delay(KillLimit, time);
        await Task.WhenAny(instance.KillAsync(), limit);
        await Task.WhenAny(instance.Exited, limit);
        return instance.Exited.IsCompleted;
    }

    // Stopping ends even where something prevents it, such as an engine that does not answer; after a second Ctrl+C it ends at once.
    private async Task GiveUpAsync()
    {
        await Task.Delay(_limit + (2 * KillLimit), time, _atOnce).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(KillLimit, time);
    }

    private async Task EndStandbyAsync()
    {
        // It has nothing to drain.
        if (_standbys is not null && await _standbys.TakeAsync() is { } waiting)
        {
            await IsKilledAsync(waiting);
            await waiting.DisposeAsync();
        }
    }

    private void Forward(string line)
    {
        _lastOutput.Add(line);
        if (!_crashes.IsLooping)
        {
            output.Line(workload.Name, line);
        }
    }
}
