using CliWrap;

namespace ClusterAspire.Bench;

/// <summary>A server that Bench started; what it prints goes to a file.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _kill = new();
    private readonly CommandTask<CommandResult> _run;

    private ChildProcess(Command command, string log)
    {
        Log = log;
        _run = command
            .WithStandardOutputPipe(PipeTarget.ToFile(log))
            .WithStandardErrorPipe(PipeTarget.ToFile(log + ".err"))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(_kill.Token, _stop.Token);
    }

    /// <summary>Its process id.</summary>
    public int Pid => _run.ProcessId;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _run.Task.IsCompleted;

    /// <summary>The file its output goes to.</summary>
    public string Log { get; }

    /// <summary>Starts it.</summary>
    /// <param name="command">Its command line.</param>
    /// <param name="logs">The folder for its output.</param>
    /// <param name="name">The output's file name.</param>
    public static ChildProcess Start(Command command, string logs, string name)
    {
        Directory.CreateDirectory(logs);
        var file = string.Concat(name.Split(Path.GetInvalidFileNameChars())).Replace(' ', '-').Replace(',', '-');
        return new ChildProcess(command, Path.Combine(logs, $"{file}-{Interlocked.Increment(ref _number)}.log"));
    }

    private static int _number;

    /// <summary>Asks it to end; kills it when it has not ended after 2 s, and whatever it leaves behind.</summary>
    public async ValueTask DisposeAsync()
    {
        // A busy worker notices only after minutes that its parent is gone.
        var descendants = ProcessTree.Descendants(Pid);
        _kill.CancelAfter(StopLimit);
        if (!Signal.Terminate(Pid))
        {
            await _stop.CancelAsync();
        }

        await Signal.EndedAsync(Pid, StopLimit);
        foreach (var descendant in descendants)
        {
            Signal.Kill(descendant);
        }

        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // The command was stopped.
        }

        _run.Dispose();
        _stop.Dispose();
        _kill.Dispose();
    }
}
