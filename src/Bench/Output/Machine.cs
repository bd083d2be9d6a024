using System.Globalization;
using System.Runtime.InteropServices;
using CliWrap;
using CliWrap.Buffered;

namespace ClusterAspire.Bench;

/// <summary>Where a run took place.</summary>
/// <param name="Processor">The processor's name.</param>
/// <param name="Cores">How many cores Bench may use.</param>
/// <param name="MemoryGB">Memory, in GB (10^9 bytes).</param>
/// <param name="System">The operating system.</param>
/// <param name="Runtime">The .NET runtime.</param>
/// <param name="LoadBefore">The load average of the last minute before the run: what else kept the machine busy.</param>
/// <param name="Nice">The niceness Bench and all it started ran at; 0 unless somebody changed it.</param>
/// <param name="Tools">Versions of peers and tools.</param>
internal sealed record Machine(
    string Processor,
    int Cores,
    double MemoryGB,
    string System,
    string Runtime,
    double? LoadBefore,
    int? Nice,
    IReadOnlyDictionary<string, string> Tools)
{
    private static readonly IReadOnlyDictionary<string, string[]> VersionCommands = new Dictionary<string, string[]>
    {
        ["node"] = ["--version"],
        ["nginx"] = ["-v"],
        ["haproxy"] = ["-v"],
        ["wrk"] = ["-v"],
        ["h2load"] = ["--version"],
    };

    /// <summary>This machine, now.</summary>
    public static async Task<Machine> ReadAsync(CancellationToken cancellationToken)
    {
        var tools = new Dictionary<string, string>();
        foreach (var (tool, arguments) in VersionCommands)
        {
            if (Tool.Find(tool) is not null && await FirstLineAsync(tool, arguments, cancellationToken) is { } version)
            {
                tools[tool] = version;
            }
        }

        return new Machine(
            Field("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
            Bench.Cores.Count,
            Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
            RuntimeInformation.OSDescription,
            RuntimeInformation.FrameworkDescription,
            File.Exists("/proc/loadavg") ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture) : null,
            File.Exists("/proc/self/stat") ? int.Parse(File.ReadAllText("/proc/self/stat").Split(") ")[1].Split(' ')[16], CultureInfo.InvariantCulture) : null,
            tools);
    }

    /// <summary>The commit that is checked out, with a plus sign when files have changed since; null outside a repository.</summary>
    public static async Task<string?> CommitAsync(CancellationToken cancellationToken)
    {
        if (Tool.Find("git") is null || await FirstLineAsync("git", ["rev-parse", "--short=10", "HEAD"], cancellationToken) is not { } commit)
        {
            return null;
        }

        return await FirstLineAsync("git", ["status", "--porcelain"], cancellationToken) is null ? commit : commit + "+";
    }

    private static async Task<string?> FirstLineAsync(string tool, string[] arguments, CancellationToken cancellationToken)
    {
        var result = await Tool.Wrap(tool, arguments).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(cancellationToken);
        var line = (result.StandardOutput + result.StandardError).Split('\n')[0].Trim();
        return line.Length > 0 ? line : null;
    }

    private static string? Field(string file, string name) =>
        File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':')[1].Trim()
            : null;
}
