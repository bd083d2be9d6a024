using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Restarts;

/// <summary>
/// Starts resources again when they end. What was asked to stop stays stopped: the end looks the same, so it listens to the
/// commands. States arrive late and more than once; before a start it looks at the last one again.
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
        // The application's end comes first: it stops the resources before it stops this.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        try
        {
            await foreach (var change in notifications.WatchAsync(end.Token))
            {
                if (change.Resource.TryGetLastAnnotation<RestartAnnotation>(out _))
                {
                    var instance = Of(change.Resource, change.ResourceId);
                    instance.Note(change.Snapshot);
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
        // Rebuilding starts only what ran.
        instance.Enter(wanted: command.Name == KnownResourceCommands.RebuildCommand ? null : command.Name != KnownResourceCommands.StopCommand);
        try
        {
            return await command.ExecuteCommand(context);
        }
        finally
        {
            instance.Leave();
            Consider(instance);
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
            var delay = instance.Backoff.Next();
            var ended = Ended(instance);
            Log.Restarting(logger, instance.Resource.Name, ended, delay.TotalMilliseconds);
            Log.Restarting(terminal, instance.Resource.Name, ended, delay.TotalMilliseconds);
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

    private bool IsDown(Instance instance) =>
        notifications.TryGetCurrentState(instance.Id, out var last) && KnownResourceStates.TerminalStates.Contains(last.Snapshot.State?.Text);

    private string Ended(Instance instance) =>
        !notifications.TryGetCurrentState(instance.Id, out var last) ? "ended"
        : last.Snapshot.State?.Text == KnownResourceStates.FailedToStart ? "did not start"
        : last.Snapshot.ExitCode is { } code ? $"exited with code {code}"
        : "exited";

    private Instance Of(IResource resource, string id) => _instances.GetOrAdd(id, _ => new(resource, id, new Backoff(Time)));

    /// <summary>One process or container of a resource.</summary>
    private sealed class Instance(IResource resource, string id, Backoff backoff)
    {
        private readonly Lock _lock = new();
        private bool _wanted = true;
        private bool _healthy;
        private bool _restarting;
        private int _commands;

        public IResource Resource => resource;

        public string Id => id;

        public Backoff Backoff => backoff;

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

        public void Note(CustomResourceSnapshot snapshot)
        {
            var healthy = snapshot.HealthStatus is HealthStatus.Healthy;
            if (healthy && !_healthy)
            {
                backoff.Healthy();
            }

            _healthy = healthy;
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
        [LoggerMessage(4, LogLevel.Warning, "{Resource} {Ended}; restarting in {Delay} ms")]
        public static partial void Restarting(ILogger logger, string resource, string ended, double delay);

        [LoggerMessage(5, LogLevel.Error, "{Resource} could not be started again")]
        public static partial void NotRestarted(ILogger logger, string resource, Exception error);
    }
}
