using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Restarts;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.DependencyInjection;

#if ASPIRE

namespace ClusterAspire.Aspire.Tests;

/// <summary>A resource that ends when it is told to, in an application that does not run: states, commands and the restarter are real.</summary>
internal sealed class SupervisedResource : IAsyncDisposable
{
    private readonly DistributedApplication _app;
    private readonly Restarter _restarter;
    private readonly IResource _resource;
    private readonly Output _output = new();
    private int _starts;

    private SupervisedResource()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
        var resource = builder.AddResource(new Nothing("nothing"))
            .WithRestarts()
            .WithCommand(KnownResourceCommands.StartCommand, "Start", _ => StartedAsync())
            .WithCommand(KnownResourceCommands.StopCommand, "Stop", _ => StoppedAsync())
            .WithCommand(KnownResourceCommands.RebuildCommand, "Rebuild", _ => Task.FromResult(CommandResults.Success()))
            .WithCommand(KnownResourceCommands.RestartCommand, "Restart", async _ =>
            {
                await StoppedAsync();
                return await StartedAsync();
            });
        builder.Services.AddSingleton<IClusterOutput>(_output);
        _resource = resource.Resource;
        _app = builder.Build();
        _restarter = _app.Services.GetRequiredService<Restarter>();
        _restarter.ListenToCommandsOf(_resource);
    }

    /// <summary>How often its start command was executed.</summary>
    public int Starts => Volatile.Read(ref _starts);

    /// <summary>What the user was told.</summary>
    public IReadOnlyCollection<string> Warnings => _output.Warnings;

    public bool FailsToStart { get; set; }

    public static async Task<SupervisedResource> StartAsync()
    {
        var started = new SupervisedResource();
        await started._restarter.StartAsync(CancellationToken.None);
        await started.PublishAsync(KnownResourceStates.Running);
        return started;
    }

    public Task EndAsync() => PublishAsync(KnownResourceStates.Finished);

    public void LeaveToRest() => _restarter.LetRest(_resource);

    public async Task ExecuteAsync(string command) =>
        Assert.True((await _app.ResourceCommands.ExecuteCommandAsync(_resource, command)).Success);

    public Task UntilStartsAsync(int starts) => Eventually.IsTrueAsync(() => Starts >= starts, $"{starts} starts");

    public Task UntilRunningAsync() => Eventually.IsTrueAsync(
        () => _app.ResourceNotifications.TryGetCurrentState("nothing", out var last) && last.Snapshot.State?.Text == KnownResourceStates.Running, "it runs");

    /// <summary>Waits longer than the restarter does before a first restart.</summary>
    public static Task SettleAsync() => Task.Delay(TimeSpan.FromSeconds(1));

    public async ValueTask DisposeAsync()
    {
        await _restarter.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    private async Task<ExecuteCommandResult> StartedAsync()
    {
        Interlocked.Increment(ref _starts);
        await PublishAsync(FailsToStart ? KnownResourceStates.FailedToStart : KnownResourceStates.Running);
        return FailsToStart ? CommandResults.Failure("It cannot start.") : CommandResults.Success();
    }

    private async Task<ExecuteCommandResult> StoppedAsync()
    {
        await PublishAsync(KnownResourceStates.Finished);
        return CommandResults.Success();
    }

    private Task PublishAsync(string state) =>
        _app.ResourceNotifications.PublishUpdateAsync(_resource, last => last with { ResourceType = "Nothing", State = state, ExitCode = 137 });

    private sealed class Nothing(string name) : Resource(name);

    private sealed class Output : IClusterOutput
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        public void Line(string workload, string line)
        {
        }

        public void Say(string message)
        {
        }

        public void Warn(string message) => Warnings.Enqueue(message);

        public void Ready(ClusterPlan plan)
        {
        }
    }
}
#endif
