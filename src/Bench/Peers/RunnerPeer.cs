using System.Diagnostics;
using System.Net.Http.Json;
using ClusterAspire.Contract;

namespace ClusterAspire.Bench;

/// <summary>The product, started as a user starts it.</summary>
/// <param name="name">Its name.</param>
/// <param name="replicas">How many replicas.</param>
/// <param name="pin">Whether each has a core of its own.</param>
/// <param name="standby">Whether a second process of each waits.</param>
/// <param name="aot">Whether the service is compiled by Native AOT, before it is measured.</param>
internal sealed class RunnerPeer(string name, int replicas, bool pin = true, bool standby = false, bool aot = false) : IPeer
{
    private static readonly TimeSpan CompileLimit = TimeSpan.FromMinutes(15);

    private static readonly HttpClient Admin = new() { Timeout = TimeSpan.FromSeconds(5) };

    private bool _isCompiled = !aot;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string? Missing => null;

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        if (!_isCompiled)
        {
            await using var first = await RunAsync(folders, cancellationToken);
            _isCompiled = true;
        }

        return await RunAsync(folders, cancellationToken);
    }

    private async Task<RunningPeer> RunAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var (url, admin) = (Port.FreeUrl(), Port.FreeUrl());
        List<string> arguments =
        [
            "--replicas", $"{replicas}", "--port", $"{url.Port}", "--admin-port", $"{admin.Port}",
            // Processes, also where there is a container engine.
            "--runtime", "process",
            .. aot ? (string[])["--aot"] : ["--service", ProgramPath.Service],
        ];
        if (!pin)
        {
            arguments.Add("--no-pin");
        }

        if (standby)
        {
            arguments.Add("--standby");
        }

        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(Tool.Wrap(ProgramPath.Runner, arguments), folders.Logs, name);
        return await new RunningPeer(url, process) { Workers = () => WorkersAsync(admin), StartLimit = _isCompiled ? RunningPeer.UsualStartLimit : CompileLimit }
            .ServesAsync(started, process, cancellationToken);
    }

    private static async Task<IReadOnlyList<Worker>> WorkersAsync(Uri admin)
    {
        var replicas = await Admin.GetFromJsonAsync<IReadOnlyList<ReplicaStatus>>(new Uri(admin, "api/replicas"));
        return [.. replicas!.Where(replica => replica.Pid is not null)
            .Select(replica => new Worker(replica.Name, replica.Pid!.Value, replica.State is ReplicaState.Ready or ReplicaState.Busy))];
    }
}
