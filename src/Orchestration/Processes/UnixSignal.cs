using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>Signals to processes that somebody else started.</summary>
[UnsupportedOSPlatform("windows")]
public static partial class UnixSignal
{
    private const int SigTerm = 15;

    /// <summary>Asks a process to end.</summary>
    /// <param name="pid">Its id.</param>
    /// <returns>Whether there was one to ask.</returns>
    public static bool Terminate(int pid) => Kill(pid, SigTerm) is 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
