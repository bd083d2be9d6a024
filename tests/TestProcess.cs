using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace ClusterAspire.Tests;

/// <summary>A program that a test runs. What it writes is kept; it is killed, with its children, when it is disposed of.</summary>
[SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "Some of the test projects derive from it.")]
internal class TestProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentQueue<string> _all = new();

    protected TestProcess(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        _process = Process.Start(start)!;
        Pid = _process.Id;
        _process.OutputDataReceived += (_, line) => Keep(line.Data, _output);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data, _errors);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Its process id.</summary>
    public int Pid { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Its standard input, where its start redirects that.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>The lines of its standard output so far.</summary>
    public IReadOnlyCollection<string> Output => [.. _output];

    /// <summary>The lines of its standard error so far.</summary>
    public IReadOnlyCollection<string> Errors => [.. _errors];

    /// <summary>Everything it has written so far.</summary>
    public string Text => string.Join(Environment.NewLine, _all);

    /// <summary>Starts a program.</summary>
    public static TestProcess Start(ProcessStartInfo start) => new(start);

    /// <summary>Starts a program.</summary>
    public static TestProcess Start(string program, params string[] arguments) => new(new(program, arguments));

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no such program.</exception>
    public static (int ExitCode, string Output, string Errors) Run(string program, params string[] arguments)
    {
        var run = new TestProcess(new(program, arguments));
        using var process = run._process;
        process.WaitForExit();
        return (process.ExitCode, string.Join('\n', run._output), string.Join('\n', run._errors));
    }

    /// <summary>Whether a process runs; one that has ended but was not collected yet does not. Linux only (proc(5)).</summary>
    public static bool IsRunning(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Sends a signal to a process, such as <c>TERM</c>.</summary>
    public static void Signal(string signal, int pid) => Run("kill", $"-{signal}", $"{pid}");

    /// <summary>Sends it a signal, such as <c>TERM</c>.</summary>
    public void Signal(string signal) => Signal(signal, Pid);

    /// <summary>Kills it, and none of its children.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits until it and whoever writes to its output have ended.</summary>
    /// <param name="limit">How long it may take, <see cref="Eventually.Limit"/> unless said.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync(TimeSpan? limit = null)
    {
        await _process.WaitForExitAsync().WaitAsync(limit ?? Eventually.Limit);
        return _process.ExitCode;
    }

    /// <summary>Waits for a line.</summary>
    /// <param name="wanted">Whether a line is the one.</param>
    /// <param name="what">What the line says.</param>
    /// <param name="limit">How long it may take, <see cref="Eventually.Limit"/> unless said.</param>
    /// <exception cref="InvalidOperationException">It has ended without.</exception>
    public async Task<string> LineAsync(Predicate<string> wanted, string what, TimeSpan? limit = null)
    {
        var line = Find();
        await Eventually.IsTrueAsync(() => (line = Find()) is not null || HasExited, what, limit);
        if (line is null)
        {
            // What it wrote last may not have been read yet.
            await ExitAsync(limit);
            line = Find();
        }

        return line ?? throw new InvalidOperationException($"It ended before this: {what}.{Environment.NewLine}{Text}");

        string? Find() => _all.FirstOrDefault(line => wanted(line));
    }

    /// <summary>Waits until it has written a text.</summary>
    public Task WritesAsync(string text) => LineAsync(line => line.Contains(text, StringComparison.Ordinal), $"it writes '{text}'");

    public virtual async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await ExitAsync();
        }

        _process.Dispose();
        GC.SuppressFinalize(this);
    }

    public override string ToString() => Text;

    private void Keep(string? line, ConcurrentQueue<string> stream)
    {
        if (line is not null)
        {
            stream.Enqueue(line);
            _all.Enqueue(line);
        }
    }
}
