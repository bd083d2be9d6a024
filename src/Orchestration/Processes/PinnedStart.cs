using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using ClusterAspire.Replica.Pinning;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>Starts a process that may use one core only, all its threads included.</summary>
internal static class PinnedStart
{
    /// <exception cref="Win32Exception">The program cannot be started, or the core cannot be used.</exception>
    public static Process Start(ProcessStartInfo start, int core)
    {
        if (OperatingSystem.IsLinux())
        {
            return StartOnLinux(start, core);
        }

        var process = Process.Start(start)!;
        if (OperatingSystem.IsWindows())
        {
            PinOnWindows(process, core);
        }

        return process;
    }

    // On Linux affinity belongs to threads: set after the start it would move the main thread only. A child inherits that of
    // the thread that starts it, so a thread pins itself, starts the child and ends.
    [SupportedOSPlatform("linux")]
    private static Process StartOnLinux(ProcessStartInfo start, int core)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                PinThisThread(core);
                started.SetResult(Process.Start(start)!);
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        })
        {
            IsBackground = true,
            Name = "Pinned start",
        }.Start();
        return started.Task.GetAwaiter().GetResult();
    }

    [SupportedOSPlatform("linux")]
    private static void PinThisThread(int core)
    {
        if (ThreadAffinity.Set(0, core) is not 0 and var error)
        {
            throw new Win32Exception(error);
        }
    }

    [SupportedOSPlatform("windows")]
    private static void PinOnWindows(Process process, int core)
    {
        try
        {
            process.ProcessorAffinity = (nint)1 << core;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception && process.WaitForExit(TimeSpan.Zero))
        {
            // It has ended already, which is not for this method to report.
        }
    }
}
