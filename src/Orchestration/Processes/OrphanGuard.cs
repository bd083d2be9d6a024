using System.ComponentModel;
using System.Runtime.Versioning;
using System.Text;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>
/// Ends every process group that this process leaves behind when it is killed. A service that references ClusterAspire.Replica ends
/// by itself; other services do not.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class OrphanGuard
{
    // Its standard input ends when this process ends, in whatever way.
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
                // In a session of its own, so that a signal to this process' group does not end it.
                _shell ??= ProcessGroup.StartUnguarded(new("/bin/sh", ["-c", Script]) { WorkingDirectory = "/" });
                _shell.Input.Write(Encoding.ASCII.GetBytes($"{change} {group}\n"));
            }
            catch (Exception e) when (e is Win32Exception or IOException)
            {
                // There is no shell, or it was killed. Services that reference ClusterAspire.Replica end by themselves.
            }
        }
    }
}
