using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ClusterAspire.Runner.CommandLine;

namespace ClusterAspire.Runner.Tests;

/// <summary>The real Runner, as a process.</summary>
internal sealed class RunnerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private RunnerProcess(Process process)
    {
        _process = process;
        Pid = process.Id;
        process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Pid { get; }

    /// <summary>What it has written so far.</summary>
    public IReadOnlyCollection<string> Output => [.. _output];

    /// <summary>What it has written to standard error so far.</summary>
    public IReadOnlyCollection<string> Errors => [.. _errors];

    public bool HasExited => _process.HasExited;

    /// <summary>The command that runs a .dll: by its place, as a test may change the PATH.</summary>
    public static string Dotnet { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    /// <summary>Starts it on its own.</summary>
    public static RunnerProcess Start(string[] arguments, params (string Name, string Value)[] environment) => StartWithin([], arguments, environment);

    /// <summary>Starts it by a command that changes its surroundings and then becomes the one that follows it.</summary>
    public static RunnerProcess StartWithin(string[] surroundings, string[] arguments, params (string Name, string Value)[] environment) =>
        Start(surroundings, typeof(ClusterCommand).Assembly.Location, arguments, environment);

    /// <summary>Starts a copy of it.</summary>
    public static RunnerProcess StartElsewhere(string[] surroundings, string copy, string[] arguments) => Start(surroundings, copy, arguments, []);

    /// <summary>Starts it as the README does; the process is then that of <c>dotnet run</c>.</summary>
    public static RunnerProcess StartByDotnetRun(string[] arguments) =>
        Start([], "run", ["--no-build", "--configuration", Configuration, "--project", Project(), "--", .. arguments], []);

    private static string Configuration =>
        typeof(RunnerProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    private static string Project([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(path, "..", "..", "..", "..", "src", "Runner"));

    private static RunnerProcess Start(string[] surroundings, string command, string[] arguments, (string Name, string Value)[] environment)
    {
        // By env: a shell among the surroundings drops variables whose names have dots.
        string[] env = OperatingSystem.IsWindows() ? []
            : ["env", .. OperatingSystem.IsLinux() && Unix.IgnoresInterrupts ? (string[])["--default-signal=INT,QUIT"] : [], .. environment.Select(variable => $"{variable.Name}={variable.Value}")];
        return StartProgram([.. surroundings, .. env, OperatingSystem.IsWindows() ? "dotnet" : Dotnet, command, .. arguments], environment);
    }

    /// <summary>Starts whatever is to run it.</summary>
    public static RunnerProcess StartProgram(string[] all, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(all[0], all[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Not among those of the user who runs the tests.
        start.Environment["XDG_RUNTIME_DIR"] = Path.GetTempPath();
        start.Environment["XDG_DATA_HOME"] = Path.GetTempPath();
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new(Process.Start(start)!);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, RunnerProcess Runner)> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        await using var runner = Start(arguments, environment);
        return (await runner.ExitAsync(), runner);
    }

    public void Signal(int signal) => Unix.Signal(Pid, signal);

    /// <summary>Waits for its end; returns the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await Eventually.InTimeAsync(_process.WaitForExitAsync());
        return _process.ExitCode;
    }

    /// <summary>Waits for a line of its output.</summary>
    public async Task<string> LineAsync(Predicate<string> wanted, string what)
    {
        string? line = null;
        await Eventually.IsTrueAsync(() => (line = _output.FirstOrDefault(line => wanted(line))) is not null || HasExited, what);
        return line ?? throw new InvalidOperationException($"It ended before this: {what}.{Environment.NewLine}{this}");
    }

    public async ValueTask DisposeAsync()
    {
        // Not gracefully: that is for tests to test. Its children notice.
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    public override string ToString() => string.Join(Environment.NewLine, [.. _output, .. _errors]);

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
        }
    }
}
