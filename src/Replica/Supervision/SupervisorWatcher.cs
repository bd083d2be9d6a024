using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Supervision;

/// <summary>Ends this process as soon as its supervisor is gone, however it went: nothing is left behind on the port.</summary>
internal sealed partial class SupervisorWatcher(IOptions<SupervisorOptions> options) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var watched = options.Value.Pid ?? (options.Value.Parent && !OperatingSystem.IsWindows() ? ParentPid() : default(int?));
        if (watched is { } pid)
        {
            // A separate thread, because the thread pool may be busy or blocked when the supervisor ends.
            new Thread(() => Watch(pid)) { IsBackground = true, Name = "Supervisor watcher" }.Start();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Watch(int pid)
    {
        if (OperatingSystem.IsLinux())
        {
            WaitForExitOnLinux(pid);
        }
        else
        {
            WaitForExit(pid);
        }

        Console.Error.WriteLine($"The supervisor (pid {pid}) is gone: ending.");
#pragma warning disable RS0030 // The supervisor has ended.
        Environment.Exit(1);
#pragma warning restore RS0030
    }

    private static void WaitForExit(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.WaitForExit();
        }
        catch (ArgumentException)
        {
            // It had ended before this process read it.
        }
    }

    // Process.WaitForExit never returns for a zombie, and a killed supervisor is a zombie until its parent waits for it.
    [SupportedOSPlatform("linux")]
    private static void WaitForExitOnLinux(int pid)
    {
        var start = default(long?);
        while (true)
        {
            try
            {
                var running = ProcessStat.RunningSince(pid);
                start ??= running;
                if (running is null || running != start)
                {
                    return;
                }
            }
            catch (Exception e) when (e is IOException or OutOfMemoryException)
            {
                // It cannot be read, which does not mean that it has ended.
            }

#pragma warning disable RS0030 // On a separate thread, not on the thread pool.
            Thread.Sleep(500);
#pragma warning restore RS0030
        }
    }

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int ParentPid();
}
