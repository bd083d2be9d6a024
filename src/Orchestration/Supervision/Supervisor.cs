using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>The embedded orchestrator: starts a plan, restarts whatever exits, and drains it at the end.</summary>
/// <param name="plan">What to run.</param>
/// <param name="service">What replicas run in.</param>
/// <param name="loadBalancer">What the load balancer runs in.</param>
/// <param name="output">What the user sees of it.</param>
public sealed class Supervisor(ClusterPlan plan, IRuntime service, IRuntime loadBalancer, IClusterOutput output)
{
    // Each has the drain limit of its own accord; killed is what does not keep it.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>How waiting is done; for tests.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How a URL is asked; for tests.</summary>
    internal Func<Uri, CancellationToken, Task<ProbeResult>> Ask { get; init; } = Probe.AskAsync;

    /// <summary>Runs the plan until it is told to stop.</summary>
    /// <param name="stop">Drains: the load balancer finishes what is in flight, then the replicas stop.</param>
    /// <param name="atOnce">Kills what is still running.</param>
    /// <exception cref="ClusterException">A port is taken, or the load balancer cannot run.</exception>
    public async Task RunAsync(CancellationToken stop, CancellationToken atOnce)
    {
        plan.EnsurePortsAreFree();
        foreach (var warning in plan.Warnings)
        {
            output.Warn(warning);
        }

        if (Listening.Ignored(Environment.GetEnvironmentVariables().Keys.Cast<string>()) is { } ignored)
        {
            output.Warn(ignored);
        }

        output.Say($"Starting {plan.Replicas.Count} replica{(plan.Replicas.Count is 1 ? "" : "s")} of {plan.Name}.");
        using var balancer = Supervise(Workload.Of(plan.LoadBalancer), loadBalancer);
        var replicas = plan.Replicas.Select(replica => Supervise(Workload.Of(replica), service)).ToList();
        try
        {
            replicas.ForEach(replica => replica.Start());
            // One that hangs keeps the others waiting no longer than a start may take.
            await Task.WhenAll(replicas.Select(replica => Task.WhenAny(replica.Tried, replica.Late))).WaitAsync(stop);
            await Task.WhenAny(replicas.Select(replica => replica.Ready)).WaitAsync(stop);

            balancer.Start();
            await EnsureStartedAsync(balancer, stop);
            output.Ready(plan);

            var running = await Task.WhenAny(replicas.Append(balancer).Select(workload => workload.Running)).WaitAsync(stop);
            await running;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            output.Say($"Draining: requests in flight have {plan.DrainTimeout.TotalSeconds} s to finish; Ctrl+C again stops at once.");
        }
        finally
        {
            var limit = plan.DrainTimeout + Grace;
            await balancer.StopAsync(limit, atOnce);
            await Task.WhenAll(replicas.Select(replica => replica.StopAsync(limit, atOnce)));
            replicas.ForEach(replica => replica.Dispose());
        }
    }

    private SupervisedWorkload Supervise(Workload workload, IRuntime runtime) =>
        new(workload, runtime, plan.Standby, plan.Liveness, Ask, output, Time);

    private async Task EnsureStartedAsync(SupervisedWorkload balancer, CancellationToken stop)
    {
        if (!await balancer.Tried.WaitAsync(stop))
        {
            plan.LoadBalancer.EnsurePortsAreFree();
            throw new ClusterException($"The load balancer cannot run; the last it said was: {balancer.LastWords ?? "nothing"}");
        }
    }
}
