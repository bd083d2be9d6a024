using System.ComponentModel;
using System.Runtime.Versioning;
using System.Text;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>
/// Ends every process group that this process leaves behind when it is killed itself. A service of ours notices that by its
/// own means; one that is written in something else does not.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class OrphanGuard
{
    // Its standard input ends with this process, however that ends.
    private const string Script = """
        trap '' HUP INT QUIT TERM
        groups=' '
        while read -r change group; do
            case $change in
                +) groups="$groups$group " ;;
                -) groups="${groups%% $group *} ${groups#* $group }" ;;
            esac
        done
        for group in $groups; do kill -s KILL -- "-$group"; done
        """;

    private static readonly Lock Changing = new();
    private static ProcessGroup? _shell;

    /// <summary>Guards a group.</summary>
    public static void Add(int group) => Change('+', group);

    /// <summary>A group has ended.</summary>
    public static void Remove(int group) => Change('-', group);

    private static void Change(char change, int group)
    {
        lock (Changing)
        {
            try
            {
                // In a session of its own, which outlives a signal to this process' group.
                _shell ??= ProcessGroup.StartUnguarded(new("/bin/sh", ["-c", Script]) { WorkingDirectory = "/" });
                _shell.Input.Write(Encoding.ASCII.GetBytes($"{change} {group}\n"));
            }
            catch (Exception e) when (e is Win32Exception or IOException)
            {
                // No shell, or it was killed: services of ours end by themselves all the same.
            }
        }
    }
}
