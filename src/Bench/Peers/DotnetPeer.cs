using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>One .NET service as one process.</summary>
/// <param name="name">Its name.</param>
/// <param name="program">What is started.</param>
/// <param name="arguments">Its arguments, given where to listen.</param>
/// <param name="core">The only core it may use, or null for all.</param>
internal sealed class DotnetPeer(string name, string program, Func<Uri, IEnumerable<string>> arguments, int? core = null) : IPeer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public bool FinishesAbandonedWork { get; init; }

    /// <summary>What it is told besides where to listen.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <inheritdoc/>
    public string? Missing => core is not null && Tool.Find("taskset") is null ? "taskset is not installed (apt install util-linux)" : null;

    /// <summary>The product's service, /slow on the compute lane.</summary>
    public static DotnetPeer Service(string name, int? core = null) => new(name, ProgramPath.Service, _ => [], core);

    /// <summary>One of Bench's own servers.</summary>
    public static DotnetPeer Server(string name, string kind, int? core = null, params IEnumerable<string> arguments) =>
        new(name, ProgramPath.Bench, url => [BenchServer.Command, kind, url.AbsoluteUri, .. arguments], core)
        {
            FinishesAbandonedWork = kind is BenchServer.ThreadPool,
        };

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var url = Port.FreeUrl();
        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(
            Tool.Wrap(program, arguments(url), core).WithEnvironmentVariables(variables => variables
                .Set("ASPNETCORE_URLS", url.AbsoluteUri)
                .Set("Supervisor__Pid", $"{System.Environment.ProcessId}")
                // As the plan starts a replica.
                .Set("Replica__Core", core?.ToString())
                .Set("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", core is null ? null : "0")
                .Set(Environment)),
            folders.Logs,
            name);
        var pid = process.Pid;
        return await new RunningPeer(url, process) { Workers = () => Task.FromResult<IReadOnlyList<Worker>>([new Worker("", pid)]) }
            .ServesAsync(started, process, cancellationToken);
    }
}
