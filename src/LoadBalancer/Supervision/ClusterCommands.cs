using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Supervision;

/// <summary>Passes commands on to the runner, who does what <c>clusteraspire reload</c> and <c>scale</c> do: for the live page and the admin port's API.</summary>
public sealed class ClusterCommands(IOptions<LoadBalancerOptions> options)
{
    private static readonly CommandResult NotTaken = new(false, "Nobody takes commands for this cluster: it was not started by clusteraspire run.", IsTaken: false);

    private int _running;

    /// <summary>The last result, or what runs, has changed.</summary>
    public event Action? Changed;

    /// <summary>Whether there is somebody to take commands.</summary>
    public bool AreTaken => options.Value.Control is { Length: > 0 };

    /// <summary>Whether one is under way.</summary>
    public bool IsRunning => Volatile.Read(ref _running) > 0;

    /// <summary>What became of the last one; null before that.</summary>
    public CommandResult? Last { get; private set; }

    /// <summary>Replaces the replicas, or only the one of a name.</summary>
    /// <param name="name">A replica's name, <c>loadbalancer</c>, or null.</param>
    public Task<CommandResult> ReloadAsync(string? name = null) => DoAsync("reload", name ?? "");

    /// <summary>Changes the number of replicas.</summary>
    /// <param name="replicas"><c>4</c>, <c>+1</c>, <c>-1</c> or <c>auto</c>.</param>
    public Task<CommandResult> ScaleAsync(string replicas) => DoAsync("scale", replicas);

    private async Task<CommandResult> DoAsync(string verb, string argument)
    {
        Interlocked.Increment(ref _running);
        Changed?.Invoke();
        try
        {
            return Last = await AskAsync(verb, argument);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            Changed?.Invoke();
        }
    }

    // Goes on when whoever asked has left: half a reload is none.
    private async Task<CommandResult> AskAsync(string verb, string argument)
    {
        await using var connection = AreTaken ? await ControlConnection.TryConnectAsync(options.Value.Control!) : null;
        if (connection is null)
        {
            return NotTaken;
        }

        var text = "The cluster ended before it answered.";
        await foreach (var reply in connection.AskAsync(new(verb, [argument])))
        {
            text = reply.Text ?? reply.Error ?? text;
            if (reply.ExitCode is { } exitCode)
            {
                return new(exitCode is 0, text);
            }
        }

        return new(false, text);
    }
}
