using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace ClusterAspire.Replica.Pinning;

/// <summary>Which cores a thread may run on, as Linux has it. The orchestration compiles this file too.</summary>
[SupportedOSPlatform("linux")]
internal static partial class ThreadAffinity
{
    /// <summary>Lets a thread run on one core only; threads that it starts inherit that.</summary>
    /// <param name="thread">The thread's id, or 0 for the calling one.</param>
    /// <param name="core">The core, by the operating system's number.</param>
    /// <returns>0, or the error (errno(3)).</returns>
    public static int Set(int thread, int core)
    {
        // A mask of as many longs as needed (CPU_ALLOC(3)).
        Span<ulong> mask = stackalloc ulong[core / 64 + 1];
        mask.Clear();
        mask[core / 64] = 1UL << (core % 64);
        return SetAffinity(thread, (nuint)(mask.Length * sizeof(ulong)), mask) is 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint bytes, ReadOnlySpan<ulong> mask);
}
