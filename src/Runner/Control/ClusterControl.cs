using System.Globalization;
using System.Text.Json;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Control;

/// <summary>What a running cluster can be told to do.</summary>
/// <param name="supervisor">Does it.</param>
/// <param name="log">Has written down what was.</param>
/// <param name="describe">Makes the cluster's status.</param>
/// <param name="reload">Reads the configuration again and replaces the replicas; returns how many.</param>
/// <param name="stop">Drains and ends.</param>
internal sealed class ClusterControl(Supervisor supervisor, LogBook log, Func<ClusterStatus> describe, Func<Task<int>> reload, Action stop)
{
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
                { Verb: "reload" } => await ReloadAsync(),
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
            // Nobody is to wait for an answer.
            await reply(new(Error: $"{request.Verb} failed: {e.Message}"));
            await reply(new(ExitCode: 1));
        }
    }

    /// <summary>Reloads as <c>reload</c> does.</summary>
    /// <returns>What became of it.</returns>
    public async Task<string> ReloadAsync()
    {
        log.Say("Reloading: each replica is replaced once its successor is ready.");
        try
        {
            var count = await reload();
            var done = $"{count} replica{(count is 1 ? " was" : "s were")} replaced.";
            log.Say(done);
            return done;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.Warn($"Reloading stopped, those before go on: {e.Message}");
            throw new ClusterException($"Reloading stopped, those before go on: {e.Message}");
        }
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
        stop();
        // Until this process has ended, and the connection with it.
        await Task.Delay(Timeout.InfiniteTimeSpan);
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
