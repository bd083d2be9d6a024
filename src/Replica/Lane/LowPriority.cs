using System.Runtime.InteropServices;

namespace ClusterAspire.Replica.Lane;

/// <summary>Lowers the operating system's priority of the calling thread, for good.</summary>
/// <remarks>
/// On Linux .NET's <see cref="Thread.Priority"/> does nothing, hence the system calls. SCHED_IDLE comes first: such a thread
/// is preempted the moment a normal one wakes up on its core, where nice 19 merely gets a smaller share of the time.
/// Going down needs no privilege.
/// </remarks>
internal static partial class LowPriority
{
    private const int SchedIdle = 5;
    private const int PrioProcess = 0;
    private const int LowestNice = 19;

    /// <summary>Lowers the calling thread's priority as far as this system lets it.</summary>
    /// <returns>Whether it is lowered.</returns>
    public static bool Enter()
    {
        if (OperatingSystem.IsWindows())
        {
            Thread.CurrentThread.Priority = ThreadPriority.Lowest;
            return true;
        }

        // musl's sched_setscheduler only ever fails, and sandboxes may forbid it.
        return OperatingSystem.IsLinux() && (EnterIdle() || EnterNice());
    }

    // Thread 0 is the calling one in both.
    internal static bool EnterIdle() => SetScheduler(0, SchedIdle, 0) == 0;

    internal static bool EnterNice() => SetPriority(PrioProcess, 0, LowestNice) == 0;

    // The third parameter is a struct of one int, the static priority, which must be 0 for SCHED_IDLE.
    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetScheduler(int thread, int policy, in int priority);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int thread, int nice);
}
