using System.Globalization;
using System.Text.Json;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Control;

/// <summary>What a running cluster can be told to do.</summary>
/// <param name="supervisor">Does it.</param>
/// <param name="log">Has written down what was.</param>
/// <param name="describe">Makes the cluster's status.</param>
/// <param name="reload">Reads the configuration again and replaces the replicas, and the load balancer if it is to be told something else; says what it did.</param>
/// <param name="reloadLoadBalancer">Reads the configuration again and replaces the load balancer; says what it did.</param>
/// <param name="stop">Drains; completes when the cluster has ended.</param>
internal sealed class ClusterControl(Supervisor supervisor, LogBook log, Func<ClusterStatus> describe, Func<Task<string>> reload, Func<Task<string>> reloadLoadBalancer, Func<Task> stop)
{
    private long _reloads;
    private long _failedReloads;

    /// <summary>Does what is asked.</summary>
    /// <param name="request">What.</param>
    /// <param name="reply">Replies.</param>
    /// <param name="left">Cancelled when who asked has left.</param>
    public async Task HandleAsync(ControlRequest request, Func<ControlReply, Task> reply, CancellationToken left)
    {
        try
        {
            var text = request switch
            {
                { Verb: "status" } => JsonSerializer.Serialize(describe(), JsonSerializerOptions.Web),
                { Verb: "figures" } => JsonSerializer.Serialize(Figures, ContractJson.Default.SupervisorFigures),
                { Verb: "reload", Arguments: [] or [""] } => await ReloadAsync(),
                { Verb: "reload", Arguments: [LoadBalancerPlan.Name] } => await ReloadAsync("Reloading the load balancer: the new one accepts once it is ready.", reloadLoadBalancer),
                { Verb: "reload", Arguments: [var replica] } => await ReloadAsync($"Reloading {replica}: it is replaced once its successor is ready.", () => ReplaceAsync(replica)),
                { Verb: "scale", Arguments: [var count] } => await ScaleAsync(count),
                { Verb: "stop" } => await StopAsync(reply),
                { Verb: "logs", Arguments: [var follows, var workload] } => await ShowAsync(log.LinesAsync(workload is "" ? null : Known(workload), follows is "follow", left), reply),
                { Verb: "events", Arguments: [var follows] } => await ShowAsync(log.EventsAsync(follows is "follow", left), reply),
                _ => throw new ClusterException($"This cluster's version does not know {request.Verb}."),
            };
            if (text is not null)
            {
                await reply(new(Text: text));
            }

            await reply(new(ExitCode: 0));
        }
        catch (ClusterException e)
        {
            await reply(new(Error: e.Message));
            await reply(new(ExitCode: 1));
        }
        catch (OperationCanceledException) when (!left.IsCancellationRequested)
        {
            await reply(new(Error: "The cluster is ending."));
            await reply(new(ExitCode: 1));
        }
        catch (Exception e) when (!left.IsCancellationRequested)
        {
            // The client does not wait for an answer.
            await reply(new(Error: $"{request.Verb} failed: {e.Message}"));
            await reply(new(ExitCode: 1));
        }
    }

    /// <summary>Reloads as <c>reload</c> does.</summary>
    /// <returns>What became of it.</returns>
    public Task<string> ReloadAsync() => ReloadAsync("Reloading: each replica is replaced once its successor is ready.", reload);

    private async Task<string> ReloadAsync(string begins, Func<Task<string>> replace)
    {
        log.Say(begins);
        try
        {
            var done = await replace();
            Interlocked.Increment(ref _reloads);
            log.Say(done);
            return done;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Interlocked.Increment(ref _failedReloads);
            log.Warn($"Reloading stopped, those before go on: {e.Message}");
            throw new ClusterException($"Reloading stopped, those before go on: {e.Message}");
        }
    }

    private SupervisorFigures Figures => new(
        new(Interlocked.Read(ref _reloads), Interlocked.Read(ref _failedReloads)),
        supervisor.Restarts,
        [.. supervisor.Status.Where(status => status.State is WorkloadState.CrashLoop).Select(status => status.Name)]);

    private async Task<string> ReplaceAsync(string replica)
    {
        await supervisor.ReplaceAsync(replica);
        return $"{replica} was replaced.";
    }

    private async Task<string> ScaleAsync(string wanted)
    {
        var isRelative = wanted is ['+' or '-', ..];
        var number = 0;
        if (wanted is not "auto" && !int.TryParse(wanted, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
        {
            throw new ClusterException($"The number of replicas must be N, +N, -N or auto, not '{wanted}'.");
        }

        var count = await supervisor.ScaleAsync((plan, present) => wanted is "auto" ? plan.Count(wanted) : isRelative ? present + number : number);
        return $"{count} replica{(count is 1 ? " serves" : "s serve")}.";
    }

    private async Task<string?> StopAsync(Func<ControlReply, Task> reply)
    {
        await reply(new(Text: "Draining."));
        await stop();
        return null;
    }

    private string Known(string workload)
    {
        var names = supervisor.Status.Select(status => status.Name).ToList();
        return names.Contains(workload) ? workload : throw new ClusterException($"There is no {workload}: there are {string.Join(", ", names.Distinct())}.");
    }

    private static async Task<string?> ShowAsync(IAsyncEnumerable<LogEntry> entries, Func<ControlReply, Task> reply)
    {
        await foreach (var entry in entries)
        {
            await reply(new(Text: entry.ToString()));
        }

        return null;
    }
}
