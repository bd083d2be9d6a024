using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>The article's programs: Node.js and Express, alone or clustered.</summary>
/// <param name="name">Its name.</param>
/// <param name="commandLine">The command line, given the folder of the programs.</param>
/// <param name="workers">How many workers; 1 for none but itself.</param>
internal sealed class NodePeer(string name, Func<string, IEnumerable<string>> commandLine, int workers) : IPeer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public bool FinishesAbandonedWork => true;

    /// <inheritdoc/>
    public string? Missing => NodePackages.Missing;

    /// <summary>One process, as Node starts.</summary>
    public static NodePeer Single { get; } = new("Node, one process", folder => ["node", Path.Combine(folder, "server.js")], 1);

    /// <summary>Node's cluster module.</summary>
    public static NodePeer Cluster { get; } = Clustered("Node cluster", Cores.Count);

    /// <summary>PM2 in cluster mode.</summary>
    private static NodePeer Pm2 { get; } = new(
        "PM2 cluster",
        folder => ["node", Path.Combine(folder, "node_modules", "pm2", "bin", "pm2-runtime"), "start", Path.Combine(folder, "server.js"), "-i", $"{Cores.Count}"],
        Cores.Count);

    /// <summary>PM2, but not in a quick run: it clusters with Node's cluster module, which then stands for both.</summary>
    public static IReadOnlyList<NodePeer> Pm2Unless(bool quick) => quick ? [] : [Pm2];

    /// <summary>Node's cluster module with so many workers.</summary>
    public static NodePeer Clustered(string name, int workers) => new(name, folder => ["node", Path.Combine(folder, "cluster.js")], workers);

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var folder = await NodePackages.InstallAsync(folders, cancellationToken);
        var url = Port.FreeUrl();
        string[] line = [.. commandLine(folder)];
        var command = Tool.Wrap(line[0], line[1..]).WithEnvironmentVariables(variables => variables
            .Set("PORT", $"{url.Port}")
            .Set("WORKERS", $"{workers}")
            .Set("NODE_ENV", "production")
            .Set("PM2_HOME", Path.Combine(folders.Work, "pm2"))
            .Set("PM2_DISABLE_VERSION_CHECK", "true"));

        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(command, folders.Logs, name);
        var pid = process.Pid;
        IReadOnlyList<Worker> Workers() => workers == 1 ? [Named(pid)] : [.. ProcessTree.Children(pid).Select(Named)];
        return await new RunningPeer(url, process) { Workers = () => Task.FromResult(Workers()) }
            .ServesAsync(started, process, cancellationToken);
    }

    private static Worker Named(int pid) => new($"{pid}", pid);
}
