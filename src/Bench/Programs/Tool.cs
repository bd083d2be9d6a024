using CliWrap;

namespace ClusterAspire.Bench;

/// <summary>Programs of this machine.</summary>
internal static class Tool
{
    /// <summary>Where a program is, or null when it is not on the path.</summary>
    public static string? Find(string name)
    {
        // Debian installs servers in /usr/sbin, which is not on every user's PATH.
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var system = OperatingSystem.IsWindows() ? [] : new[] { "/usr/local/sbin", "/usr/sbin" };
        var names = OperatingSystem.IsWindows() ? new[] { name + ".exe", name + ".cmd" } : [name];
        return folders.Concat(system)
            .SelectMany(folder => names.Select(file => Path.Combine(folder, file)))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>A command line; a .NET program's path ends in <c>.dll</c>.</summary>
    /// <param name="program">A name on the path, or a path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="core">The only core it may use, or null. Needs taskset; without, it is not pinned.</param>
    public static Command Wrap(string program, IEnumerable<string> arguments, int? core = null)
    {
        IEnumerable<string> line = [Find(program) ?? program, .. arguments];
        if (program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
        {
            // The program's executable where there is one, as a user starts it.
            var executable = Path.ChangeExtension(program, OperatingSystem.IsWindows() ? "exe" : null);
            line = File.Exists(executable) ? [executable, .. arguments] : ["dotnet", program, .. arguments];
        }

        if (core is { } number && Find("taskset") is { } taskset)
        {
            line = [taskset, "--cpu-list", $"{number}", .. line];
        }

        return Cli.Wrap(line.First()).WithArguments(line.Skip(1));
    }
}
