using System.Runtime.InteropServices;

namespace ClusterAspire.Runner.Signals;

/// <summary>
/// The <c>dotnet run</c> that started this process. It hands SIGTERM on, but killed it takes nobody along: who kills it
/// means the cluster.
/// </summary>
internal static partial class DotnetRun
{
    private static readonly int? Parent = OperatingSystem.IsLinux() ? ParentOfThisProcess() : null;

    /// <summary>Whether there is one to watch; known on Linux only.</summary>
    public static bool IsParent { get; } = Parent is { } parent && IsDotnetRun(parent);

    /// <summary>Whether it has ended: orphans get another parent.</summary>
    public static bool HasEnded => ParentOfThisProcess() != Parent;

    private static bool IsDotnetRun(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0') is [var program, "run", ..] && Path.GetFileName(program) is "dotnet";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // getppid needs no file descriptor; reading /proc does.
    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int ParentOfThisProcess();
}
