using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>Runs workloads as processes of this machine, each pinned to its core.</summary>
public sealed class ProcessRuntime : IStandbyRuntime
{
    // Variables by which systemd addresses the service's main process, not its children.
    private static readonly string[] OfTheServiceManager = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

    private readonly string _program;

    /// <summary>Runs a program.</summary>
    /// <param name="program">A built .dll, which runs on the .NET this process runs on, or an executable.</param>
    /// <exception cref="ClusterException">There is no such program.</exception>
    public ProcessRuntime(string program)
    {
        _program = Path.GetFullPath(program);
        if (!File.Exists(_program))
        {
            throw new ClusterException($"{_program} does not exist: build it, or name another built service by {ClusterOptions.Switch(nameof(ClusterOptions.Service))}.");
        }

        if (!IsRunnable(_program))
        {
            throw new ClusterException($"{_program} is no program: name the .dll or the executable that building a service makes by {ClusterOptions.Switch(nameof(ClusterOptions.Service))}.");
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<int>? Cores
    {
        get
        {
            try
            {
                return Machine.Current.Cores;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <inheritdoc />
    public Task<IInstance> StartAsync(Workload workload, Action<string> output, CancellationToken cancellationToken) =>
        Task.FromResult<IInstance>(new ProcessInstance(Start(Describe(workload), workload), workload.Core, output));

    /// <inheritdoc />
    public Task<IStandby> PrepareAsync(Workload workload, Action<string> output, CancellationToken cancellationToken)
    {
        var start = Describe(workload);
        start.Environment[Variables.SupervisorStandby] = "true";
        return Task.FromResult<IStandby>(new ProcessInstance(Start(start, workload), workload.Core, output, waits: true));
    }

    private ChildProcess Start(ProcessStartInfo start, Workload workload)
    {
        try
        {
            return ChildProcess.Start(start, workload.Core, workload.Descriptors);
        }
        catch (Win32Exception e)
        {
            throw new ClusterException($"{_program} could not be started: {e.Message}.");
        }
    }

    private ProcessStartInfo Describe(Workload workload)
    {
        var start = new ProcessStartInfo(_program)
        {
            // ASP.NET Core reads appsettings.json there.
            WorkingDirectory = Path.GetDirectoryName(_program),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (IsAssembly(_program))
        {
            start.FileName = Muxer();
            start.ArgumentList.Add(_program);
        }

        foreach (var argument in workload.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        SetEnvironment(start.Environment, workload);
        return start;
    }

    private static void SetEnvironment(IDictionary<string, string?> environment, Workload workload)
    {
        foreach (var name in environment.Keys.Where(name => Listening.IsSetBy(name) || OfTheServiceManager.Contains(name)).ToList())
        {
            environment.Remove(name);
        }

        environment.TryGetValue(Variables.ResourceAttributes, out var attributes);
        foreach (var (name, value) in workload.Environment)
        {
            environment[name] = value;
        }

        if (!string.IsNullOrEmpty(attributes) && workload.Environment.TryGetValue(Variables.ResourceAttributes, out var own))
        {
            environment[Variables.ResourceAttributes] = $"{attributes},{own}";
        }

        if (workload.Port is { } port)
        {
            foreach (var (name, value) in Listening.At($"http://{Loopback.Host}:{port}"))
            {
                environment[name] = value;
            }
        }

        if (workload.Core is not null)
        {
            // On Linux the runtime counts the cores of its affinity mask; elsewhere the mask is set after the runtime has counted.
            environment[Variables.ProcessorCount] = "1";
        }

        environment[Variables.SupervisorPid] = $"{Environment.ProcessId}";
    }

    private static bool IsAssembly(string program) => Path.GetExtension(program).Equals(".dll", StringComparison.OrdinalIgnoreCase);

    private static bool IsRunnable(string program) =>
        IsAssembly(program) ? File.Exists(Path.ChangeExtension(program, ".runtimeconfig.json"))
        : OperatingSystem.IsWindows() ? Path.GetExtension(program).Equals(".exe", StringComparison.OrdinalIgnoreCase)
        : (File.GetUnixFileMode(program) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    // The dotnet command three folders above the runtime in use; PATH may have another one, or none.
    private static string Muxer()
    {
        var dotnet = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var own = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", dotnet));
        return File.Exists(own) ? own : dotnet;
    }
}
