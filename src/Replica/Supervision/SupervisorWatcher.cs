using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
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
            // A thread of its own: the thread pool may be busy or stuck just when this matters.
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
        Environment.Exit(1);
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
            // It was gone before this process got here.
        }
    }

    // Process.WaitForExit would wait for ever for a zombie, which a killed supervisor is until its own parent collects it.
    private static void WaitForExitOnLinux(int pid)
    {
        var start = RunningSince(pid);
        while (start is not null && RunningSince(pid) == start)
        {
            Thread.Sleep(500);
        }
    }

    /// <summary>When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)); null when it has ended.</summary>
    internal static long? RunningSince(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int ParentPid();
}
