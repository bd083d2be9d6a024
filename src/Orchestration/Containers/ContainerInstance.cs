using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>One running container.</summary>
internal sealed class ContainerInstance : IInstance
{
    private const int Killed = 137;
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    // While the engine does not answer, asking more often would not help it.
    private static readonly TimeSpan LongestBreath = TimeSpan.FromSeconds(2);

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

    // With the file that follows its output, the terminal's second Ctrl+C may end this command too.
    public async Task KillAsync()
    {
        while (!_end.IsCancellationRequested && await _engine.TryRunAsync(["kill", _id]) is null && await StateAsync() is { Running: true })
        {
            await BreatheAsync(Breath);
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
                await Task.Delay(Breath, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The next start removes what is left behind.
        }
    }

    private async Task<int> WatchAsync(Action<string> output)
    {
        // Following ends with the container, or when the terminal's Ctrl+C reaches the command that does it.
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
                await BreatheAsync(Breath);
            }
        }
        catch (OperationCanceledException)
        {
            // It is given up.
            return Killed;
        }
    }

    // An engine that does not answer knows of no end: asked again until it does, or until nobody waits for it any more.
    private async Task<State?> StateAsync()
    {
        for (var breath = Breath; ; breath = breath * 2 < LongestBreath ? breath * 2 : LongestBreath)
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

            await BreatheAsync(breath);
        }
    }

    private Task BreatheAsync(TimeSpan breath) => Task.Delay(breath, _end.Token);

    private sealed record State(bool Running, int ExitCode, bool OutOfMemory);
}
