using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ClusterAspire.Runner.CommandLine;

namespace ClusterAspire.Runner.Tests;

/// <summary>The real Runner, as a process.</summary>
internal sealed class RunnerProcess : TestProcess
{
    private RunnerProcess(ProcessStartInfo start)
        : base(start)
    {
    }

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
        var start = new ProcessStartInfo(all[0], all[1..]);
        // Not among those of the user who runs the tests.
        start.Environment["XDG_RUNTIME_DIR"] = Path.GetTempPath();
        start.Environment["XDG_DATA_HOME"] = Path.GetTempPath();
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new(start);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, RunnerProcess Runner)> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        await using var runner = Start(arguments, environment);
        return (await runner.ExitAsync(), runner);
    }

    public void Signal(int signal) => Unix.Signal(Pid, signal);
}
