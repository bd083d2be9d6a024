using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>One running container.</summary>
internal sealed class ContainerInstance : IInstance
{
    private const int Killed = 137;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    // An engine that does not answer is asked less and less often.
    private static readonly TimeSpan LongestPollInterval = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan RemoveLimit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _end = new();
    private readonly ContainerEngine _engine;
    private readonly string _id;

    public ContainerInstance(ContainerEngine engine, string id, int? core, Action<string> output)
    {
        _engine = engine;
        _id = id;
        Id = $"container {id[..12]}";
        Core = core;
        Exited = WatchAsync(output);
    }

    public string Id { get; }

    public int? Core { get; }

    public Task<int> Exited { get; }

    public async Task StopAsync() => await _engine.TryRunAsync(["kill", "--signal", "TERM", _id]);

    // The terminal's second Ctrl+C may end this command too, so it is repeated.
    public async Task KillAsync()
    {
        while (!_end.IsCancellationRequested && await _engine.TryRunAsync(["kill", _id]) is null && await StateAsync() is { Running: true })
        {
            await PauseAsync(PollInterval);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await RemoveAsync(_engine, _id);
    }

    /// <summary>Removes a container, running or not, unless somebody has done it already, or the engine does not answer.</summary>
    public static async Task RemoveAsync(ContainerEngine engine, string container)
    {
        using var limit = new CancellationTokenSource(RemoveLimit);
        try
        {
            while (await engine.TryRunAsync(["rm", "--force", "--volumes", container], limit.Token) is null
                && await engine.TryRunAsync(["inspect", container], limit.Token) is not null)
            {
                await Task.Delay(PollInterval, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The next start removes the container.
        }
    }

    private async Task<int> WatchAsync(Action<string> output)
    {
        // The logs command ends with the container, or when the terminal's Ctrl+C reaches it.
        string[] since = [];
        try
        {
            while (true)
            {
                await _engine.StreamAsync(["logs", "--follow", .. since, _id], output, _end.Token);
                if (await StateAsync() is not { } state)
                {
                    return Killed;
                }

                if (!state.Running)
                {
                    if (state.OutOfMemory)
                    {
                        output("killed, as it used more memory than --memory (Cluster:Memory) allows");
                    }

                    return state.ExitCode;
                }

                since = ["--tail", "0"];
                await PauseAsync(PollInterval);
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for it any more.
            return Killed;
        }
    }

    // Asks again while the engine does not answer, until nobody waits for the container any more.
    private async Task<State?> StateAsync()
    {
        for (var interval = PollInterval; ; interval = interval * 2 < LongestPollInterval ? interval * 2 : LongestPollInterval)
        {
            var state = await _engine.TryRunAsync(["inspect", "--format", "{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}", _id], _end.Token);
            if (state?.Split(' ') is [var running, var exitCode, var outOfMemory])
            {
                return new(running is "true", int.Parse(exitCode, System.Globalization.CultureInfo.InvariantCulture), outOfMemory is "true");
            }

            // Gone, or the command was interrupted.
            var listed = await _engine.TryRunAsync(["ps", "--all", "--quiet", "--no-trunc", "--filter", $"id={_id}"], _end.Token);
            if (listed is "")
            {
                return null;
            }

            await PauseAsync(interval);
        }
    }

    private Task PauseAsync(TimeSpan interval) => Task.Delay(interval, _end.Token);

    private sealed record State(bool Running, int ExitCode, bool OutOfMemory);
}
