using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ClusterAspire.Bench;

/// <summary>Ends processes.</summary>
internal static partial class Signal
{
    private const int SigTerm = 15;

    /// <summary>Asks a process to end, as a supervisor does, where there is SIGTERM.</summary>
    /// <remarks>Not by SIGINT: under a supervisor that is the terminal's word to all, and a service waits for its supervisor's.</remarks>
    /// <returns>Whether it was asked.</returns>
    public static bool Terminate(int pid) => !OperatingSystem.IsWindows() && Send(pid, SigTerm) is 0;

    /// <summary>Kills a process as <c>kill -9</c> does; one that is gone is left alone.</summary>
    /// <returns>Whether it was there.</returns>
    public static bool Kill(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Waits until a process has ended, for so long at most.</summary>
    public static async Task EndedAsync(int pid, TimeSpan limit)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            using var enough = new CancellationTokenSource(limit);
            await process.WaitForExitAsync(enough.Token);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or OperationCanceledException)
        {
            // The process has ended, or takes longer than the limit.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int pid, int signal);
}
