using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Processes;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Restarts;

/// <summary>
/// Starts resources again when they end, unless they were asked to stop. The states do not tell the two apart, so it listens to the
/// commands. States arrive late and more than once, so it reads the last one again before a start.
/// </summary>
/// <param name="notifications">Says what ends.</param>
/// <param name="commands">Starts it.</param>
/// <param name="loggers">Take what happens into each resource's log.</param>
/// <param name="lifetime">Says when the application ends.</param>
/// <param name="terminal">Takes it into the terminal.</param>
internal sealed partial class Restarter(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    ResourceLoggerService loggers,
    IHostApplicationLifetime lifetime,
    ILogger<Restarter> terminal) : BackgroundService
{
    private static readonly string[] Lifecycle =
        [KnownResourceCommands.StartCommand, KnownResourceCommands.StopCommand, KnownResourceCommands.RestartCommand, KnownResourceCommands.RebuildCommand];

    // A process should end within its drain timeout. After this time more, Aspire stops it.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, Instance> _instances = new();

    /// <summary>How waiting is done; for tests.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Learns from now on when somebody starts or stops the resource.</summary>
    public void ListenToCommandsOf(IResource resource)
    {
        foreach (var command in resource.Annotations.OfType<ResourceCommandAnnotation>().Where(command => Lifecycle.Contains(command.Name)).ToList())
        {
            resource.Annotations.Remove(command);
            resource.Annotations.Add(new ResourceCommandAnnotation(
                command.Name,
                command.DisplayName,
                command.UpdateState,
                context => ExecuteAsync(resource, command, context),
                command.DisplayDescription,
                command.Arguments,
                command.ConfirmationMessage,
                command.IconName,
                command.IconVariant,
                command.IsHighlighted,
                command.Visibility,
                command.ValidateArguments));
        }
    }

    /// <summary>Whether a resource of one instance is started again when it ends; not when it was asked to stop.</summary>
    public bool Restarts(IResource resource) =>
        !notifications.TryGetCurrentState(resource.Name, out var last) || !_instances.TryGetValue(last.ResourceId, out var instance) || instance.IsWanted;

    /// <summary>Does not start a resource of one instance again until it is asked to.</summary>
    public void LeaveStopped(IResource resource)
    {
        if (notifications.TryGetCurrentState(resource.Name, out var last))
        {
            var instance = Of(resource, last.ResourceId);
            instance.Enter(wanted: false);
            instance.Leave();
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The application stops its resources before it stops this service.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        try
        {
            await foreach (var change in notifications.WatchAsync(end.Token))
            {
                if (change.Resource.TryGetLastAnnotation<RestartAnnotation>(out var restarts))
                {
                    var instance = Of(change.Resource, change.ResourceId);
                    instance.Update(change.Snapshot);
                    if (instance.BeginRun(change.Snapshot, lifetime.ApplicationStopping) is { } run && restarts is { Alive: { } alive, Limits: { } limits })
                    {
                        _ = WatchAsync(instance, new LivenessWatch(alive, limits, Probe.AskAsync, Time), run);
                    }

                    Consider(instance);
                }
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The application ends, and with it the resources, as they should.
        }
    }

    private async Task<ExecuteCommandResult> ExecuteAsync(IResource resource, ResourceCommandAnnotation command, ExecuteCommandContext context)
    {
        var instance = Of(resource, context.ResourceName);
        var stops = command.Name == KnownResourceCommands.StopCommand;
        // A rebuild starts only a resource that was running.
        instance.Enter(wanted: command.Name == KnownResourceCommands.RebuildCommand ? null : !stops);
        try
        {
            if ((stops || command.Name == KnownResourceCommands.RestartCommand) && await DrainAsync(instance, context.CancellationToken))
            {
                return stops
                    ? CommandResults.Success($"{resource.Name} has stopped.")
                    : await commands.ExecuteCommandAsync(instance.Id, KnownResourceCommands.StartCommand, context.CancellationToken);
            }

            return await command.ExecuteCommand(context);
        }
        finally
        {
            instance.Leave();
            Consider(instance);
        }
    }

    // Aspire gives a process only some seconds to end, so one with a longer drain timeout gets the signal earlier. The engine stops containers.
    private async Task<bool> DrainAsync(Instance instance, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows()
            || instance.Resource is not ProjectResource
            || !instance.Resource.TryGetLastAnnotation<RestartAnnotation>(out var restarts) || restarts.Limits is not { Drain: var drain }
            || Pid(instance) is not { } pid || !UnixSignal.Terminate(pid))
        {
            return false;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(drain + Grace);
        try
        {
            await notifications.WaitForResourceAsync(instance.Resource.Name, last => KnownResourceStates.TerminalStates.Contains(last.Snapshot.State?.Text), limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Consider(Instance instance)
    {
        if (IsDown(instance) && !lifetime.ApplicationStopping.IsCancellationRequested && instance.TryBeginRestart())
        {
            _ = RestartAsync(instance);
        }
    }

    private async Task RestartAsync(Instance instance)
    {
        var logger = loggers.GetLogger(instance.Id);
        try
        {
            var delay = instance.Crashes.Ended();
            await SayAsync(instance, logger, delay);
            await Task.Delay(delay, Time, lifetime.ApplicationStopping);
            if (instance.IsWanted && IsDown(instance))
            {
                await commands.ExecuteCommandAsync(instance.Id, KnownResourceCommands.StartCommand, lifetime.ApplicationStopping);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The application ends.
        }
        catch (Exception e)
        {
            Log.NotRestarted(logger, instance.Resource.Name, e);
        }

        instance.EndRestart();
        Consider(instance);
    }

    // A crash loop is reported when it begins, and again when the resource ends in another way than before.
    private async Task SayAsync(Instance instance, ILogger logger, TimeSpan delay)
    {
        var ended = Ended(instance);
        if (!instance.Crashes.IsLooping)
        {
            instance.Loop = null;
            Log.Restarting(logger, instance.Resource.Name, ended, delay.Describe());
            Log.Restarting(terminal, instance.Resource.Name, ended, delay.Describe());
        }
        else if (instance.Loop != ended)
        {
            instance.Loop = ended;
            var lastWords = await LastLineAsync(instance);
            Log.Looping(logger, instance.Resource.Name, instance.Crashes.Ends, ended, lastWords, delay.Describe());
            Log.Looping(terminal, instance.Resource.Name, instance.Crashes.Ends, ended, lastWords, delay.Describe());
        }
    }

    private async Task<string> LastLineAsync(Instance instance)
    {
        var output = new LastOutput();
        await foreach (var lines in loggers.GetAllAsync(instance.Id).WithCancellation(lifetime.ApplicationStopping))
        {
            foreach (var line in lines)
            {
                output.Add(line.Content);
            }
        }

        return output.Line ?? "none";
    }

    // A resource that hangs is killed, and then started again like any other.
    private async Task WatchAsync(Instance instance, LivenessWatch liveness, CancellationToken ended)
    {
        try
        {
            var hangs = await liveness.HangsAsync(ended);
            Log.Hangs(loggers.GetLogger(instance.Id), instance.Resource.Name, hangs);
            Log.Hangs(terminal, instance.Resource.Name, hangs);
            if (Pid(instance) is { } pid)
            {
                using var process = Process.GetProcessById(pid);
                process.Kill(entireProcessTree: true);
            }
            else
            {
                await commands.ExecuteCommandAsync(instance.Id, KnownResourceCommands.RestartCommand, ended);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // It ended first.
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It has ended meanwhile.
        }
    }

    private int? Pid(Instance instance) =>
        notifications.TryGetCurrentState(instance.Id, out var last)
            ? (int?)last.Snapshot.Properties.FirstOrDefault(property => property.Name is "executable.pid")?.Value
            : null;

    private bool IsDown(Instance instance) =>
        notifications.TryGetCurrentState(instance.Id, out var last) && KnownResourceStates.TerminalStates.Contains(last.Snapshot.State?.Text);

    private string Ended(Instance instance) =>
        !notifications.TryGetCurrentState(instance.Id, out var last) ? "ended"
        : last.Snapshot.State?.Text == KnownResourceStates.FailedToStart ? "did not start"
        : last.Snapshot.ExitCode is { } code ? $"exited with code {code}"
        : "exited";

    private Instance Of(IResource resource, string id) => _instances.GetOrAdd(id, _ => new(resource, id, new CrashLoop(Time)));

    /// <summary>One process or container of a resource.</summary>
    private sealed class Instance(IResource resource, string id, CrashLoop crashes)
    {
        private readonly Lock _lock = new();
        private bool _wanted = true;
        private bool _healthy;
        private CancellationTokenSource? _run;
        private bool _restarting;
        private int _commands;

        public IResource Resource => resource;

        public string Id => id;

        public CrashLoop Crashes => crashes;

        /// <summary>How the last run of a crash loop ended that the user was told of.</summary>
        public string? Loop { get; set; }

        /// <summary>Whether it should run, and nobody is starting or stopping it.</summary>
        public bool IsWanted
        {
            get
            {
                lock (_lock)
                {
                    return _wanted && _commands is 0;
                }
            }
        }

        public void Update(CustomResourceSnapshot snapshot)
        {
            var healthy = snapshot.HealthStatus is HealthStatus.Healthy;
            if (healthy && !_healthy)
            {
                crashes.Healthy();
            }

            _healthy = healthy;
        }

        /// <summary>Tells one run from the next.</summary>
        /// <returns>A token when a run has just begun, cancelled when the run or the application ends; else null.</returns>
        public CancellationToken? BeginRun(CustomResourceSnapshot snapshot, CancellationToken stopping)
        {
            var runs = snapshot.State?.Text == KnownResourceStates.Running;
            if (runs == _run is not null)
            {
                return null;
            }

            _run?.Cancel();
            _run?.Dispose();
            _run = runs ? CancellationTokenSource.CreateLinkedTokenSource(stopping) : null;
            return _run?.Token;
        }

        /// <summary>Somebody starts or stops it, until <see cref="Leave"/>.</summary>
        /// <param name="wanted">Whether it should run afterwards; null changes nothing.</param>
        public void Enter(bool? wanted)
        {
            lock (_lock)
            {
                _wanted = wanted ?? _wanted;
                _commands++;
            }
        }

        public void Leave()
        {
            lock (_lock)
            {
                _commands--;
            }
        }

        /// <summary>Whether the caller is to start it again; once until <see cref="EndRestart"/>.</summary>
        public bool TryBeginRestart()
        {
            lock (_lock)
            {
                var begin = _wanted && _commands is 0 && !_restarting;
                _restarting |= begin;
                return begin;
            }
        }

        public void EndRestart()
        {
            lock (_lock)
            {
                _restarting = false;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4, LogLevel.Warning, "{Resource} {Ended}; restarting in {Delay}")]
        public static partial void Restarting(ILogger logger, string resource, string ended, string delay);

        [LoggerMessage(6, LogLevel.Warning, "{Resource} {Hangs}: killing it")]
        public static partial void Hangs(ILogger logger, string resource, string hangs);

        [LoggerMessage(7, LogLevel.Error, "{Resource} is in a crash loop: it has ended {Ends} times in a row; the last time it {Ended} and its last words were: {LastWords}. It is tried again every {Delay}, silently, and serves as soon as the cause is mended.")]
        public static partial void Looping(ILogger logger, string resource, int ends, string ended, string lastWords, string delay);

        [LoggerMessage(5, LogLevel.Error, "{Resource} could not be started again")]
        public static partial void NotRestarted(ILogger logger, string resource, Exception error);
    }
}
