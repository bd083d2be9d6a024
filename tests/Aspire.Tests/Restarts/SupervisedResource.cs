using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Restarts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;


namespace ClusterAspire.Aspire.Tests;

/// <summary>A resource that ends when it is told to, in an application that does not run: states, commands and the restarter are real.</summary>
internal sealed class SupervisedResource : IAsyncDisposable
{
    private readonly DistributedApplication _app;
    private readonly Restarter _restarter;
    private readonly IResource _resource;
    private readonly Terminal _terminal = new();
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
        builder.Services.AddSingleton<ILoggerProvider>(_terminal);
        _resource = resource.Resource;
        _app = builder.Build();
        _restarter = _app.Services.GetRequiredService<Restarter>();
        _restarter.ListenToCommandsOf(_resource);
    }

    /// <summary>How often its start command was executed.</summary>
    public int Starts => Volatile.Read(ref _starts);

    /// <summary>What the user was told.</summary>
    public IReadOnlyCollection<string> Warnings => _terminal.Warnings;

    public bool FailsToStart { get; set; }

    public static async Task<SupervisedResource> StartAsync()
    {
        var started = new SupervisedResource();
        await started._restarter.StartAsync(CancellationToken.None);
        await started.PublishAsync(KnownResourceStates.Running);
        return started;
    }

    public Task EndAsync() => PublishAsync(KnownResourceStates.Finished);

    public void LeaveStopped() => _restarter.LeaveStopped(_resource);

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

    /// <summary>Keeps what the restarter says in the terminal.</summary>
    private sealed class Terminal : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        public ILogger CreateLogger(string categoryName) => categoryName == typeof(Restarter).FullName ? this : NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Warnings.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
