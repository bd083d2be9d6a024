using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Processes;
using ClusterAspire.Orchestration.Selection;
using ClusterAspire.Orchestration.Sockets;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner.Control;
using ClusterAspire.Runner.Programs;
using ClusterAspire.Runner.Signals;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner;

/// <summary>One cluster, from its configuration to its end.</summary>
/// <param name="configure">Reads the configuration, anew each time.</param>
/// <param name="terminal">Shows what happens.</param>
/// <param name="stop">Says when it ends.</param>
internal sealed class ClusterRun(Func<IConfiguration> configure, IClusterOutput terminal, StopSignals stop) : IAsyncDisposable
{
    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;
    private readonly ServiceProgram _programs = new(terminal);

    // What replicas run in, now and before each reload.
    private readonly List<RuntimeSelection> _selections = [];

    // Whatever the configuration says at a reload.
    private (int Port, int AdminPort)? _ports;

    /// <summary>Runs it until it is told to stop.</summary>
    /// <exception cref="ClusterException">Something the user has to change.</exception>
    public async Task RunAsync()
    {
        var (plan, runtime, options) = await PlanAsync(isRunning: false);
        var address = Address(options);
        using var claim = address?.Claim();
        using var reports = new LivePageReports(terminal, plan.LoadBalancer.AdminUrl);
        using var systemd = new ServiceManager(reports, stop);
        var log = new LogBook(systemd);
        using var rotation = address is null ? null : new Rotation(address.DestinationsFile, plan.LoadBalancer.AdminUrl);
        using var sockets = HeldSockets.ArePossible ? new HeldSockets() : null;
        using var supervisor = new Supervisor(plan, runtime, new ProcessRuntime(BuiltProgram.LoadBalancer), log) { Rotation = rotation, Sockets = sockets, Control = address?.Path };
        var control = new ClusterControl(
            supervisor, log, () => Describe(supervisor, plan, options), () => ReloadAsync(supervisor), () => ReloadLoadBalancerAsync(supervisor), stop.Begin);
        stop.Reload += () => _ = control.ReloadAsync().ContinueWith(reload => reload.Exception, TaskScheduler.Default);
        using var server = address is null ? null : Listen(address, control, log);
        await supervisor.RunAsync(stop.Drain, stop.AtOnce);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var selection in _selections)
        {
            await selection.DisposeAsync();
        }
    }

    private async Task<(ClusterPlan Plan, Orchestration.Runtime.IRuntime Runtime, ClusterOptions Options)> PlanAsync(bool isRunning)
    {
        var configuration = configure();
        var options = Options(configuration);
        options.Service = options.Service is null ? null : await _programs.FindAsync(options.Service, stop.Drain);
        var selector = new RuntimeSelector(options, BuildOptions.From(configuration), terminal) { IsRunning = isRunning };
        var selection = await selector.SelectAsync(BuiltProgram.Service, BuiltProgram.Source, stop.Drain);
        _selections.Add(selection);
        if (selection.Image is null)
        {
            SharedFolder.PutInto(options);
        }

        return (ClusterPlan.Create(options, selection.Machine), selection.Runtime, options);
    }

    private ClusterOptions Options(IConfiguration configuration)
    {
        var options = ClusterOptions.From(configuration);
        _ports ??= (options.Port, options.AdminPort);
        (options.Port, options.AdminPort) = _ports.Value;
        options.Validate();
        HandedOverSockets.PutInto(options.Listen);
        return options;
    }

    private async Task<string> ReloadAsync(Supervisor supervisor)
    {
        var (plan, runtime, _) = await PlanAsync(isRunning: true);
        var count = await supervisor.ReloadAsync(plan, runtime);
        var replicas = $"{count} replica{(count is 1 ? "" : "s")}";
        var were = count is 1 ? "was" : "were";
        if (!supervisor.Differs(plan.LoadBalancer))
        {
            return $"{replicas} {were} replaced.";
        }

        if (!HeldSockets.ArePossible)
        {
            return $"{replicas} {were} replaced; the load balancer takes up its new settings at the next start.";
        }

        await supervisor.ReplaceLoadBalancerAsync(plan.LoadBalancer);
        return $"{replicas} and the load balancer were replaced.";
    }

    private async Task<string> ReloadLoadBalancerAsync(Supervisor supervisor)
    {
        await supervisor.ReplaceLoadBalancerAsync(LoadBalancerPlan.Create(Options(configure())));
        return "The load balancer was replaced.";
    }

    private ClusterStatus Describe(Supervisor supervisor, ClusterPlan plan, ClusterOptions options) => new(
        options.Name,
        Environment.ProcessId,
        _startedAt,
        [plan.LoadBalancer.Url.GetLeftPart(UriPartial.Authority), .. plan.LoadBalancer.Listen],
        plan.LoadBalancer.AdminUrl.GetLeftPart(UriPartial.Authority),
        _selections[^1].Image?.Name ?? options.Service ?? BuiltProgram.Service,
        supervisor.Status);

    private ControlAddress? Address(ClusterOptions options)
    {
        try
        {
            return ControlAddress.Of(options.Name, options.Port);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Warn($"Neither reload nor the other commands will find this cluster, as there is no folder for its socket: {e.Message}");
            return null;
        }
    }

    private static ControlServer? Listen(ControlAddress address, ClusterControl control, LogBook log)
    {
        try
        {
            return new(address, control.HandleAsync);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            log.Warn($"Neither reload nor the other commands will find this cluster, as {address.Path} cannot be listened at: {e.Message}");
            return null;
        }
    }
}
