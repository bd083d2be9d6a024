using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Hosting.Restarts;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.Hosting.Commands;

/// <summary>The service's commands in the dashboard: scale, and rolling restart.</summary>
internal static class ScalingExtensions
{
    private const string Count = "replicas";

    /// <summary>How long a replica may take to become healthy again before a rolling restart ends there.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    /// <summary>Adds the command <c>scale</c>: starts replicas from the first on, and drains and stops the others.</summary>
    public static IResourceBuilder<ReplicatedService> WithScaling(this IResourceBuilder<ReplicatedService> builder)
    {
        var service = builder.Resource;
        var most = service.Plan.Replicas.Count;
        return builder.WithCommand("scale", "Scale", context => ScaleAsync(service, context), new()
        {
            Description = $"Run from 1 to {most} replicas.",
            IconName = "ArrowAutofitHeight",
            IsHighlighted = true,
            Arguments =
            [
                new()
                {
                    Name = Count,
                    Label = "Replicas",
                    InputType = InputType.Number,
                    Required = true,
                    Value = service.Started.ToString(CultureInfo.InvariantCulture),
                },
            ],
        });
    }

    /// <summary>Adds the command <c>rolling-restart</c>: each running replica drains and starts again, and is healthy before the next one follows.</summary>
    public static IResourceBuilder<ReplicatedService> WithRollingRestart(this IResourceBuilder<ReplicatedService> builder)
    {
        var service = builder.Resource;
        return builder.WithCommand("rolling-restart", "Rolling restart", context => RestartAsync(service, context), new()
        {
            Description = "Restart the replicas one by one, each healthy before the next.",
            ConfirmationMessage = $"Restart the replicas of {service.Name}, one by one?",
            IconName = "ArrowSyncCircle",
        });
    }

    private static async Task<ExecuteCommandResult> ScaleAsync(ReplicatedService service, ExecuteCommandContext context)
    {
        var most = service.Replicas.Count;
        if (!context.Arguments.TryGetByName(Count, out var input)
            || !int.TryParse(input.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted)
            || wanted < 1 || wanted > most)
        {
            return CommandResults.Failure($"The number of replicas must be from 1 to {most}; start the AppHost with more --replicas for more.");
        }

        var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
        var commands = context.Services.GetRequiredService<ResourceCommandService>();
        var idle = service.Replicas.Skip(wanted).ToList();
        // A replica that waits for its next start has no process to stop.
        idle.ForEach(replica => context.Services.GetRequiredService<Restarter>().LeaveStopped(replica.Resource));
        var changes = await Task.WhenAll(
        [
            .. service.Replicas.Take(wanted).Where(replica => !replica.IsUp(notifications)).Select(replica => Execute(replica, KnownResourceCommands.StartCommand)),
            .. idle.Where(replica => replica.IsUp(notifications)).Select(replica => Execute(replica, KnownResourceCommands.StopCommand)),
        ]);
        return Array.Find(changes, change => !change.Success) ?? CommandResults.Success($"{service.Name} runs {wanted} of {most} replicas.");

        Task<ExecuteCommandResult> Execute(ReplicaResource replica, string command) =>
            commands.ExecuteCommandAsync(replica.Resource, command, context.CancellationToken);
    }

    private static async Task<ExecuteCommandResult> RestartAsync(ReplicatedService service, ExecuteCommandContext context)
    {
        var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
        var commands = context.Services.GetRequiredService<ResourceCommandService>();
        foreach (var replica in service.Replicas.Where(replica => replica.IsUp(notifications)).ToList())
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
            limit.CancelAfter(StartLimit);
            try
            {
                var restarted = await commands.ExecuteCommandAsync(replica.Resource, KnownResourceCommands.RestartCommand, limit.Token);
                if (!restarted.Success)
                {
                    return restarted;
                }

                await notifications.WaitForResourceHealthyAsync(replica.Resource.Name, WaitBehavior.WaitOnResourceUnavailable, limit.Token);
            }
            catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
            {
                return CommandResults.Failure($"{replica.Resource.Name} has not become healthy in {StartLimit.TotalSeconds} s, so the others were left alone.");
            }
        }

        return CommandResults.Success($"The replicas of {service.Name} have restarted.");
    }

    private static bool IsUp(this ReplicaResource replica, ResourceNotificationService notifications) =>
        notifications.TryGetCurrentState(replica.Resource.Name, out var last)
        && last.Snapshot.State?.Text is { } state
        && state != KnownResourceStates.NotStarted
        && !KnownResourceStates.TerminalStates.Contains(state);
}
