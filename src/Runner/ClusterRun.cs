using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Processes;
using ClusterAspire.Orchestration.Selection;
using ClusterAspire.Orchestration.Sockets;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner.CommandLine;
using ClusterAspire.Runner.Control;
using ClusterAspire.Runner.Programs;
using ClusterAspire.Runner.Signals;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner;

/// <summary>One service with its load balancer, from its configuration to its end.</summary>
/// <param name="service">How it is configured.</param>
/// <param name="terminal">Shows what happens.</param>
/// <param name="stop">Says when this runner ends.</param>
internal sealed class ClusterRun(ConfiguredService service, IClusterOutput terminal, StopSignals stop) : IAsyncDisposable
{
    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;
    private readonly ServiceProgram _programs = new(terminal);
    private readonly CancellationTokenSource _drain = CancellationTokenSource.CreateLinkedTokenSource(stop.Drain);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The runtimes of the replicas: the present one, and those before each reload.
    private readonly List<RuntimeSelection> _selections = [];

    // The ports of the first start; a reload does not change them.
    private (int Port, int AdminPort)? _ports;
    private (ClusterPlan Plan, Orchestration.Runtime.IRuntime Runtime, ClusterOptions Options)? _first;
    private Supervisor? _supervisor;

    /// <summary>How many replicas the services before it have, whose cores are the first.</summary>
    public int ReplicasBefore { get; init; }

    /// <summary>Whether a port is another service's of this runner.</summary>
    public Func<int, bool> IsOfAnother { get; init; } = _ => false;

    /// <summary>Called when this service alone begins to stop.</summary>
    public Action Stops { get; init; } = () => { };

    /// <summary>Whether it drains, or has ended.</summary>
    public bool IsStopping => _drain.IsCancellationRequested;

    /// <summary>How many replicas it starts with.</summary>
    public int Replicas => _first?.Plan.Replicas.Count ?? 0;

    /// <summary>The ports that its replicas are to have or have.</summary>
    public IEnumerable<int> Ports =>
        (_first?.Plan.Replicas.Select(replica => replica.Port) ?? []).Concat(_supervisor?.Status.Select(status => status.Port).OfType<int>() ?? []);

    /// <summary>Makes the plan, and prepares what it needs.</summary>
    /// <exception cref="ClusterException">Something the user has to change.</exception>
    public async Task PrepareAsync()
    {
        var first = await PlanAsync(isRunning: false);
        _first = first;
        if (first.Plan.Replicas.FirstOrDefault(replica => IsOfAnother(replica.Port)) is { } replica)
        {
            throw new ClusterException($"Port {replica.Port} of its {replica.Name} is another service's: choose others by {ClusterOptions.Switch(nameof(ClusterOptions.ReplicaPort))}.");
        }
    }

    /// <summary>Runs it, which <see cref="PrepareAsync"/> has prepared, until it is told to stop.</summary>
    /// <exception cref="ClusterException">Something the user has to change.</exception>
    public async Task RunAsync()
    {
        var (plan, runtime, options) = _first!.Value;
        var address = Address(options);
        using var claim = address?.Claim();
        using var reports = new LivePageReports(terminal, plan.LoadBalancer.AdminUrl);
        var log = new LogBook(reports);
        using var rotation = address is null ? null : new Rotation(address.DestinationsFile, plan.LoadBalancer.AdminUrl);
        using var sockets = HeldSockets.AreSupported ? new HeldSockets() : null;
        using var supervisor = _supervisor = new Supervisor(plan, runtime, new ProcessRuntime(BuiltProgram.LoadBalancer), log) { Rotation = rotation, Sockets = sockets, Control = address?.Path };
        var control = new ClusterControl(
            supervisor, log, () => Describe(supervisor, plan, options), () => ReloadAsync(supervisor), () => ReloadLoadBalancerAsync(supervisor), StopAsync);
        stop.Reload += Reload;
        try
        {
            using var server = address is null ? null : Listen(address, control, log);
            await supervisor.RunAsync(_drain.Token, stop.AtOnce);
        }
        finally
        {
            stop.Reload -= Reload;
        }

        void Reload() => _ = control.ReloadAsync().ContinueWith(reload => reload.Exception, TaskScheduler.Default);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var selection in _selections)
        {
            await selection.DisposeAsync();
        }

        _selections.Clear();
        _drain.Dispose();
        _ended.TrySetResult();
    }

    private async Task StopAsync()
    {
        await _drain.CancelAsync();
        Stops();
        await _ended.Task;
    }

    private async Task<(ClusterPlan Plan, Orchestration.Runtime.IRuntime Runtime, ClusterOptions Options)> PlanAsync(bool isRunning)
    {
        var configuration = service.Read();
        var options = Options(configuration);
        if ((options.Service ?? (options.Aot ? BuiltProgram.ServiceProject : null)) is { } path)
        {
            options.Service = await _programs.FindAsync(path, options.Aot, _drain.Token);
        }

        var selector = new RuntimeSelector(options, BuildOptions.From(configuration), terminal) { IsRunning = isRunning };
        var selection = await selector.SelectAsync(BuiltProgram.Service, BuiltProgram.Source, _drain.Token);
        _selections.Add(selection);
        if (selection.Image is null)
        {
            SharedFolder.PutInto(options, isOneOfSeveral: service.Name is not null);
        }

        return (ClusterPlan.Create(options, Share(selection.Machine)), selection.Runtime, options);
    }

    // A port of another service is taken although a replica of that may be starting just now.
    private Machine Share(Machine machine) => machine with
    {
        Cores = [.. machine.Cores.Skip(ReplicasBefore % machine.Cores.Count), .. machine.Cores.Take(ReplicasBefore % machine.Cores.Count)],
        IsFree = port => !IsOfAnother(port) && machine.IsFree(port),
    };

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

        if (!HeldSockets.AreSupported)
        {
            return $"{replicas} {were} replaced; the load balancer takes up its new settings at the next start.";
        }

        await supervisor.ReplaceLoadBalancerAsync(plan.LoadBalancer);
        return $"{replicas} and the load balancer were replaced.";
    }

    private async Task<string> ReloadLoadBalancerAsync(Supervisor supervisor)
    {
        await supervisor.ReplaceLoadBalancerAsync(LoadBalancerPlan.Create(Options(service.Read())));
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
