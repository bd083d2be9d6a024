using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>One running container.</summary>
internal sealed class ContainerInstance : IInstance
{
    private const int Killed = 137;
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    private readonly ContainerEngine _engine;
    private readonly string _id;

    public ContainerInstance(ContainerEngine engine, string id, Action<string> output)
    {
        _engine = engine;
        _id = id;
        Id = $"container {id[..12]}";
        Exited = WatchAsync(output);
    }

    public string Id { get; }

    public Task<int> Exited { get; }

    public async Task StopAsync() => await _engine.TryRunAsync(["kill", "--signal", "TERM", _id]);

    // With the file that follows its output, the terminal's second Ctrl+C may end this command too.
    public async Task KillAsync()
    {
        while (await _engine.TryRunAsync(["kill", _id]) is null && await StateAsync() is { Running: true })
        {
            await Task.Delay(Breath);
        }
    }

    public async ValueTask DisposeAsync() => await RemoveAsync(_engine, _id);

    /// <summary>Removes a container, running or not, unless somebody has done it already.</summary>
    public static async Task RemoveAsync(ContainerEngine engine, string container)
    {
        while (await engine.TryRunAsync(["rm", "--force", "--volumes", container]) is null
            && await engine.TryRunAsync(["inspect", container]) is not null)
        {
            await Task.Delay(Breath);
        }
    }

    private async Task<int> WatchAsync(Action<string> output)
    {
        // Following ends with the container, or when the terminal's Ctrl+C reaches the command that does it.
        string[] since = [];
        while (true)
        {
            await _engine.StreamAsync(["logs", "--follow", .. since, _id], output);
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
            await Task.Delay(Breath);
        }
    }

    private async Task<State?> StateAsync()
    {
        while (true)
        {
            var state = await _engine.TryRunAsync(["inspect", "--format", "{{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}", _id]);
            if (state?.Split(' ') is [var running, var exitCode, var outOfMemory])
            {
                return new(running is "true", int.Parse(exitCode, System.Globalization.CultureInfo.InvariantCulture), outOfMemory is "true");
            }

            // Gone, or the command was interrupted.
            var listed = await _engine.TryRunAsync(["ps", "--all", "--quiet", "--no-trunc", "--filter", $"id={_id}"]);
            if (listed is "")
            {
                return null;
            }

            await Task.Delay(Breath);
        }
    }

    private sealed record State(bool Running, int ExitCode, bool OutOfMemory);
}
