using System.Collections.Concurrent;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Runtime;
using ClusterAspire.Orchestration.Sockets;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>The embedded orchestrator: starts a plan, restarts whatever exits, changes it while it serves, and drains it at the end.</summary>
/// <param name="plan">What to run.</param>
/// <param name="service">What replicas run in.</param>
/// <param name="loadBalancer">What the load balancer runs in.</param>
/// <param name="output">What the user sees of it.</param>
public sealed class Supervisor(ClusterPlan plan, IRuntime service, IRuntime loadBalancer, IClusterOutput output) : IDisposable
{
    // Each process ends itself after its drain limit. After this time more, it is killed.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan GuardInterval = TimeSpan.FromSeconds(2);

    // A replica that has just started is not replaced, however much memory its start takes.
    private static readonly TimeSpan StartGrace = TimeSpan.FromSeconds(5);

    // After a replacement that did not become ready.
    private static readonly TimeSpan GuardPause = TimeSpan.FromSeconds(30);

    // So many ports are not given to another replica: the balancer may still have connections to them.
    private const int PortsRemembered = 256;

    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _changing = new(1);
    private readonly Queue<int> _ports = new();
    private readonly ConcurrentDictionary<(string Name, string Reason), long> _restarts = new();
    private readonly SupervisorTraces _traces = new(plan.Name);
    private readonly Lock _lock = new();
    private readonly List<RunningReplica> _replicas = [];
    // The last one serves; those before it drain.
    private readonly List<SupervisedWorkload> _balancers = [];
    private LoadBalancerPlan? _balancerPlan;
    private ClusterPlan _plan = plan;
    private IRuntime _service = service;
    private CancellationToken _stop;
    private CancellationToken _atOnce;
    private bool _serves;
    private int _replacements;
    private int _balancersPlaced;

    /// <summary>How the load balancer is told of replicas that come and go; null when it knows its replicas once and for all.</summary>
    public Rotation? Rotation { get; init; }

    /// <summary>The load balancer's sockets; null where it has to listen itself. Closed when the plan ends.</summary>
    public HeldSockets? Sockets { get; init; }

    /// <summary>How waiting is done; for tests.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How a URL is asked; for tests.</summary>
    internal Func<Uri, CancellationToken, Task<ProbeResult>> Ask { get; init; } = Probe.AskAsync;

    /// <summary>Where the cluster takes commands, which the load balancer is told; null where it takes none.</summary>
    public string? Control { get; init; }

    /// <summary>How often replicas and the load balancer were started again, and why.</summary>
    public IReadOnlyList<RestartFigure> Restarts => [.. _restarts.Select(restarts => new RestartFigure(restarts.Key.Name, restarts.Key.Reason, restarts.Value))];

    /// <summary>What replicas and the load balancer are doing.</summary>
    public IReadOnlyList<WorkloadStatus> Status
    {
        get
        {
            lock (_lock)
            {
                return [.. _replicas.OrderBy(replica => replica.Number).Select(StatusOf), .. _balancers.Select(balancer => balancer.Status)];
            }
        }
    }

    /// <summary>Runs the plan until it is told to stop.</summary>
    /// <param name="stop">Drains: the load balancer finishes what is in flight, then the replicas stop.</param>
    /// <param name="atOnce">Kills what is still running.</param>
    /// <exception cref="ClusterException">A port is taken, or the load balancer cannot run.</exception>
    public async Task RunAsync(CancellationToken stop, CancellationToken atOnce)
    {
        var plan = _plan;
        plan.EnsurePortsAreFree();
        foreach (var warning in plan.Warnings)
        {
            output.Warn(warning);
        }

        if (Listening.Ignored(Environment.GetEnvironmentVariables().Keys.Cast<string>()) is { } ignored)
        {
            output.Warn(ignored);
        }

        (_stop, _atOnce) = (stop, atOnce);
        output.Say($"Starting {Count(plan.Replicas.Count)} of {plan.Name}.");
        _balancerPlan = WithRotation(plan.LoadBalancer);
        var balancer = Supervise(Place(_balancerPlan), loadBalancer);
        var replicas = plan.Replicas.Select((replica, i) => Add(i, replica, plan, _service)).ToList();
        replicas.ForEach(replica => replica.IsInRotation = true);
        try
        {
            Rotation?.Write(Destinations());
            foreach (var wave in replicas.Chunk(plan.StartWave))
            {
                Array.ForEach(wave, Start);
                // A replica that hangs delays the others by the start limit at most.
                await Task.WhenAll(wave.Select(replica => Task.WhenAny(replica.Workload.Tried, replica.Workload.Late))).WaitAsync(stop);
            }

            await Task.WhenAny(replicas.Select(replica => replica.Workload.Ready)).WaitAsync(stop);

            Start(balancer);
            lock (_lock)
            {
                _balancers.Add(balancer);
            }

            await EnsureStartedAsync(balancer, stop);
            _serves = true;
            output.Ready(plan);

            _ = GuardAsync(stop);
            await _failed.Task.WaitAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            output.Say($"Draining: requests in flight have {_plan.DrainTimeout.TotalSeconds} s to finish; Ctrl+C again stops at once.");
        }
        finally
        {
            using var drain = _traces.Begin("drain");
            _serves = false;
            // Nobody is to wait for one that does not come.
            Sockets?.Dispose();
            var serving = _balancers.LastOrDefault() ?? balancer;
            await serving.StopAsync(_plan.DrainTimeout + Grace, atOnce);
            // Stopping cancels a change that was in progress.
            await _changing.WaitAsync(CancellationToken.None);
            await Task.WhenAll(_balancers.Where(other => other != serving).Select(other => other.StopAsync(_plan.DrainTimeout + Grace, atOnce)));
            await StopAsync([.. _replicas]);
            balancer.Dispose();
            _balancers.ForEach(other => other.Dispose());
        }
    }

    /// <summary>Replaces the replicas, one after the other: each new one is ready before its predecessor drains.</summary>
    /// <param name="next">What to run from now on; its load balancer is not looked at.</param>
    /// <param name="runtime">What its replicas run in.</param>
    /// <returns>How many were replaced.</returns>
    /// <exception cref="ClusterException">A new replica does not become ready; the replicas that were not replaced yet serve on.</exception>
    public Task<int> ReloadAsync(ClusterPlan next, IRuntime runtime) => ChangeAsync("reload", async cancelled =>
    {
        var olds = _replicas.OrderBy(replica => replica.Number).ToList();
        // Keeps the current number, unless the configured one has changed.
        var count = next.Replicas.Count == _plan.Replicas.Count ? olds.Count : next.Replicas.Count;
        foreach (var old in olds.Take(count))
        {
            await ReplaceAsync(old, next, runtime, RestartReason.Reload, cancelled);
        }

        (_plan, _service) = (next, runtime);
        await ScaleWithinAsync(count, cancelled);
        return Math.Min(count, olds.Count);
    });

    /// <summary>Replaces one replica by another like it, which is ready before it drains.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="ClusterException">There is none of that name, or the new one does not get ready.</exception>
    public Task ReplaceAsync(string name) => ChangeAsync("reload", async cancelled =>
    {
        var old = _replicas.Find(replica => replica.Plan.Name == name)
            ?? throw new ClusterException($"There is no {name}: there are {string.Join(", ", _replicas.Select(replica => replica.Plan.Name).Order(StringComparer.Ordinal))}.");
        await ReplaceAsync(old, _plan, _service, RestartReason.Reload, cancelled);
        return 1;
    });

    /// <summary>
    /// Replaces the load balancer: another takes its sockets over, and once that is ready it accepts no more and ends with the
    /// connections it has.
    /// </summary>
    /// <param name="next">What the new one is told; its ports are those of before.</param>
    /// <returns>Its successor's process.</returns>
    /// <exception cref="ClusterException">The new one does not get ready, and that of before goes on; or sockets cannot be passed on here.</exception>
    public async Task<string?> ReplaceLoadBalancerAsync(LoadBalancerPlan next)
    {
        if (Sockets is null)
        {
            throw new ClusterException("On this operating system a load balancer's sockets cannot be passed on to another: stop the cluster and run it again.");
        }

        SupervisedWorkload? successor = null;
        await ChangeAsync("reload", async cancelled =>
        {
            var plan = WithRotation(next);
            try
            {
                successor = Supervise(Place(plan), loadBalancer);
                Start(successor);
                if (await successor.WhyNotReadyAsync(cancelled) is { } why)
                {
                    throw new ClusterException($"The new {LoadBalancerPlan.Name} {why}; its last words were: {successor.LastLine ?? "none"}");
                }
            }
            catch
            {
                await (successor?.StopAsync(Grace, _atOnce) ?? Task.CompletedTask);
                successor?.Dispose();
                Sockets.KeepFor(_balancerPlan!);
                throw;
            }

            SupervisedWorkload old;
            lock (_lock)
            {
                (old, _balancerPlan) = (_balancers[^1], plan);
                _balancers.Add(successor);
            }

            Count(LoadBalancerPlan.Name, RestartReason.Reload);
            output.Say($"{LoadBalancerPlan.Name} was replaced: {successor.Status.Process} accepts new connections, and {old.Status.Process} ends with those it has.");
            // For its connections, and then as much again for what is in flight on those that are left.
            await old.StopAsync((2 * _plan.DrainTimeout) + Grace, _atOnce, handsOver: true);
            lock (_lock)
            {
                _balancers.Remove(old);
            }

            old.Dispose();
            Sockets.KeepFor(plan);
            return 1;
        });
        return successor!.Status.Process;
    }

    /// <summary>Whether the load balancer that serves is told something else than another would be.</summary>
    public bool Differs(LoadBalancerPlan next) => _balancerPlan?.HasSameSettings(WithRotation(next)) is false;

    /// <summary>Starts more replicas, or drains and stops those with the highest numbers.</summary>
    /// <param name="count">How many there are to be, made of how many there are: <c>current => current + 1</c>.</param>
    /// <returns>How many there are now.</returns>
    /// <exception cref="ClusterException">The number is not allowed, or a new replica does not become ready; then the number stays as it was.</exception>
    public Task<int> ScaleAsync(Func<ClusterPlan, int, int> count) => ChangeAsync("scale", async cancelled =>
    {
        var wanted = count(_plan, _replicas.Count);
        // Throws if the number is not valid.
        wanted = _plan.Count($"{wanted}");
        await ScaleWithinAsync(wanted, cancelled);
        return wanted;
    });

    /// <inheritdoc/>
    public void Dispose() => _changing.Dispose();

    private async Task<int> ChangeAsync(string operation, Func<CancellationToken, Task<int>> change)
    {
        if (Rotation is null || !_serves)
        {
            throw new ClusterException(_serves ? "This cluster's replicas are fixed: its load balancer cannot be told of others." : "The cluster does not serve yet, or not any more: nothing was changed.");
        }

        await _changing.WaitAsync(_stop);
        using var span = _traces.Begin(operation);
        try
        {
            return await change(_stop);
        }
        catch (Exception e)
        {
            SupervisorTraces.Fail(span, e.Message, e is OperationCanceledException ? "cancelled" : "stopped");
            throw;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Replaces what reaches its limits, one after the other.</summary>
    private async Task GuardAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(GuardInterval, Time, stop);
                if (Rotation is not null && _plan.Restart is not { Memory: null, Age: null, Requests: null })
                {
                    await ReplaceFirstAsync(await Rotation.AnsweredAsync(stop));
                }
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                // A failure of a guard must not end replicas that serve.
                output.Warn($"A replica that was to be replaced goes on: {e.Message}");
                await Task.Delay(GuardPause, Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                // The cluster stops.
            }
        }
    }

    private async Task ReplaceFirstAsync(Func<Destination, long> answered)
    {
        List<RunningReplica> replicas;
        lock (_lock)
        {
            replicas = [.. _replicas.Where(replica => replica is { IsInRotation: true, Leaves: false })];
        }

        var now = Time.GetUtcNow();
        foreach (var replica in replicas)
        {
            var status = replica.Workload.Status;
            if (status.State is WorkloadState.Ready && now - status.StartedAt > StartGrace && replica.Limits.Reached(status, answered(replica.Destination), now) is var (reason, words))
            {
                output.Say($"{status.Name} ({status.Process}) {words}: another takes its place.");
                await ChangeAsync("replace", async cancelled =>
                {
                    // The replica may have been replaced or stopped in the meantime.
                    if (_replicas.Contains(replica))
                    {
                        await ReplaceAsync(replica, _plan, _service, reason, cancelled);
                    }

                    return 1;
                });
                return;
            }
        }
    }

    private async Task ReplaceAsync(RunningReplica old, ClusterPlan next, IRuntime runtime, string reason, CancellationToken cancelled)
    {
        var replica = Add(old.Number, next.Replica(old.Number, PortsTaken()), next, runtime);
        await JoinAsync([replica], [old], cancelled);
        Count(replica.Plan.Name, reason);
        output.Say($"{replica.Plan.Name} was replaced: {replica.Workload.Status.Process} serves in its place.");
    }

    private async Task ScaleWithinAsync(int count, CancellationToken cancelled)
    {
        var present = _replicas.OrderBy(replica => replica.Number).ToList();
        if (count > present.Count)
        {
            var free = Enumerable.Range(0, int.MaxValue).Except(present.Select(replica => replica.Number));
            List<RunningReplica> more = [];
            foreach (var number in free.Take(count - present.Count))
            {
                more.Add(Add(number, _plan.Replica(number, PortsTaken()), _plan, _service));
            }

            await JoinAsync(more, [], cancelled);
        }
        else if (count < present.Count)
        {
            await LeaveAsync(present[count..], cancelled);
        }
    }

    /// <summary>Starts replicas, and once all are ready lets others leave for them.</summary>
    private async Task JoinAsync(List<RunningReplica> joining, List<RunningReplica> leaving, CancellationToken cancelled)
    {
        try
        {
            foreach (var wave in joining.Chunk(_plan.StartWave))
            {
                Array.ForEach(wave, Start);
                foreach (var replica in wave)
                {
                    if (await replica.Workload.WhyNotReadyAsync(cancelled) is { } why)
                    {
                        throw new ClusterException($"The new {replica.Plan.Name} {why}; its last words were: {replica.Workload.LastLine ?? "none"}");
                    }
                }
            }

            foreach (var replica in joining)
            {
                (replica.IsInRotation, replica.IsNew) = (true, true);
            }

            leaving.ForEach(replica => replica.Leaves = true);
            await Rotation!.ChangeAsync([.. Destinations()], cancelled);
        }
        catch
        {
            // The number stays as it was. Replicas that joined may already have requests.
            leaving.ForEach(replica => replica.Leaves = false);
            var known = joining.Where(replica => replica.IsInRotation).ToList();
            known.ForEach(replica => replica.Leaves = true);
            if (known.Count > 0 && !_stop.IsCancellationRequested)
            {
                Rotation!.Write(Destinations());
                await Rotation.DrainAsync([.. known.Select(replica => replica.Destination)], _plan.DrainTimeout, _stop);
            }

            await StopAsync(joining);
            throw;
        }
        finally
        {
            joining.ForEach(replica => replica.IsNew = false);
        }

        await LeaveAsync(leaving, cancelled);
    }

    /// <summary>Lets replicas finish what they have, and stops them.</summary>
    private async Task LeaveAsync(List<RunningReplica> leaving, CancellationToken cancelled)
    {
        if (leaving.Exists(replica => !replica.Leaves))
        {
            leaving.ForEach(replica => replica.Leaves = true);
            try
            {
                await Rotation!.ChangeAsync([.. Destinations()], cancelled);
            }
            catch (ClusterException)
            {
                leaving.ForEach(replica => replica.Leaves = false);
                Rotation!.Write(Destinations());
                throw;
            }
        }

        using var drain = _traces.Begin("drain", leaving is [var one] ? one.Plan.Name : null);
        await Rotation!.DrainAsync([.. leaving.Select(replica => replica.Destination)], _plan.DrainTimeout, cancelled);
        await StopAsync(leaving);
        Rotation.Write(Destinations());
    }

    private async Task StopAsync(List<RunningReplica> leaving)
    {
        await Task.WhenAll(leaving.Select(replica => replica.Workload.StopAsync(_plan.DrainTimeout + Grace, _atOnce)));
        lock (_lock)
        {
            _replicas.RemoveAll(leaving.Contains);
        }

        leaving.ForEach(replica => replica.Workload.Dispose());
    }

    private RunningReplica Add(int number, ReplicaPlan replica, ClusterPlan of, IRuntime runtime)
    {
        var id = _serves ? $"{replica.Name}.{++_replacements}" : replica.Name;
        var added = new RunningReplica(number, id, replica, Supervise(Workload.Of(replica) with { Id = id }, runtime, of), of.Restart);
        lock (_lock)
        {
            _replicas.Add(added);
        }

        _ports.Enqueue(replica.Port);
        if (_ports.Count > PortsRemembered)
        {
            _ports.Dequeue();
        }

        return added;
    }

    private LoadBalancerPlan WithRotation(LoadBalancerPlan balancer)
    {
        var told = Rotation is null ? balancer : balancer.WithDestinationsFile(Rotation.File);
        return Control is null ? told : told with { Environment = new Dictionary<string, string>(told.Environment) { [Variables.LoadBalancerControl] = Control } };
    }

    private Workload Place(LoadBalancerPlan balancer) => Sockets is null
        ? Workload.Of(balancer)
        : Workload.Of(balancer, $"{LoadBalancerPlan.Name}.{++_balancersPlaced}", Sockets.ListenFor(balancer));

    private HashSet<int> PortsTaken() => [.. _ports, .. _replicas.Select(replica => replica.Plan.Port)];

    private IEnumerable<Destination> Destinations() => _replicas.Where(replica => replica.IsInRotation).Select(replica => replica.Destination);

    private void Start(RunningReplica replica) => Start(replica.Workload);

    private void Start(SupervisedWorkload workload)
    {
        workload.Start();
        _ = workload.Running.ContinueWith(
            running => _failed.TrySetException(running.Exception!.InnerExceptions), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    private static WorkloadStatus StatusOf(RunningReplica replica) =>
        replica.Leaves ? replica.Workload.Status with { State = WorkloadState.Draining } : replica.Workload.Status;

    private void Count(string name, string reason) => _restarts.AddOrUpdate((name, reason), 1, (_, count) => count + 1);

    private static string Count(int replicas) => $"{replicas} replica{(replicas is 1 ? "" : "s")}";

    private SupervisedWorkload Supervise(Workload workload, IRuntime runtime, ClusterPlan? of = null) =>
        new(workload, runtime, (of ?? _plan).Standby, (of ?? _plan).Liveness, Ask, output, Time) { Restarts = reason => Count(workload.Name, reason), Traces = _traces };

    private async Task EnsureStartedAsync(SupervisedWorkload balancer, CancellationToken stop)
    {
        if (!await balancer.Tried.WaitAsync(stop))
        {
            if (Sockets is null)
            {
                _plan.LoadBalancer.EnsurePortsAreFree();
            }

            throw new ClusterException($"The load balancer cannot run; the last it said was: {balancer.LastLine ?? "nothing"}");
        }
    }
}
