namespace ClusterAspire.Runner.Signals;

/// <summary>
/// The <c>dotnet run</c> that started this process. It hands SIGTERM on, but killed it takes nobody along: who kills it
/// means the cluster.
/// </summary>
internal static class DotnetRun
{
    private static readonly string? Parent = OperatingSystem.IsLinux() ? ParentOfThisProcess() : null;

    /// <summary>Whether there is one to watch; known on Linux only.</summary>
    public static bool IsParent { get; } = Parent is not null && IsDotnetRun(Parent);

    /// <summary>Whether it has ended: orphans get another parent.</summary>
    public static bool HasEnded => ParentOfThisProcess() != Parent;

    // The fourth field of proc_pid_stat(5); the second one, the program's name in parentheses, may hold spaces.
    private static string ParentOfThisProcess()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
    }

    private static bool IsDotnetRun(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0') is [var program, "run", ..] && Path.GetFileName(program) is "dotnet";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
