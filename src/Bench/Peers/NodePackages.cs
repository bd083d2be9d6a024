using CliWrap;
using CliWrap.Buffered;

namespace ClusterAspire.Bench;

/// <summary>Node's programs with their packages, in the work folder.</summary>
internal static class NodePackages
{
    private static readonly SemaphoreSlim Once = new(1);

    /// <summary>Why they cannot be had, or null when they can.</summary>
    public static string? Missing =>
        Tool.Find("node") is null ? "Node.js is not installed (apt install nodejs npm)"
        : Tool.Find("npm") is null ? "npm is not installed (apt install npm)"
        : _failure;

    private static string? _failure;

    /// <summary>Installs the packages where they are not yet, and gives back the folder of the programs.</summary>
    /// <exception cref="BenchException">npm cannot install them.</exception>
    public static async Task<string> InstallAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(folders.Work, "node");
        await Once.WaitAsync(cancellationToken);
        try
        {
            var changed = Copy(Path.Combine(AppContext.BaseDirectory, "Peers", "node"), folder);
            if (changed || !File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json")))
            {
                var npm = await Tool.Wrap("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"])
                    .WithWorkingDirectory(folder)
                    .WithValidation(CommandResultValidation.None)
                    .ExecuteBufferedAsync(cancellationToken);
                if (!npm.IsSuccess)
                {
                    _failure = $"npm cannot install its packages: {npm.StandardError.Split('\n')[0]}";
                    throw new BenchException(_failure);
                }
            }

            return folder;
        }
        finally
        {
            Once.Release();
        }
    }

    private static bool Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        var changed = false;
        foreach (var file in Directory.GetFiles(from))
        {
            var copy = Path.Combine(to, Path.GetFileName(file));
            if (!File.Exists(copy) || !File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(copy)))
            {
                File.Copy(file, copy, overwrite: true);
                changed = true;
            }
        }

        return changed;
    }
}
