using System.Runtime.InteropServices;

namespace ClusterAspire.Bench;

/// <summary>Carries out a <see cref="LoadPlan"/> in this process.</summary>
internal static partial class LoadGenerator
{
    /// <summary>Puts the load on and gives back what became of it.</summary>
    public static async Task<LoadReport> RunAsync(LoadPlan plan, CancellationToken cancellationToken)
    {
        if (!plan.Target.IsLoopback)
        {
            throw new BenchException($"{plan.Target} is not on this machine: the load generator sends to loopback only.");
        }

        var time = TimeProvider.System;
        var start = time.GetTimestamp();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        leave.CancelAfter(TimeSpan.FromSeconds(plan.WarmUpSeconds + plan.Seconds + plan.DrainSeconds));

        Task<StreamReport>? closed = null;
        using var clients = plan.Closed is { } each ? new ConnectionPool(plan.Target, each.Path, each.Concurrency) : null;
        if (clients is not null)
        {
            closed = new ClosedLoop(time, clients.SendAsync).RunAsync(plan, plan.Closed!, start, leave.Token);
        }

        StreamReport? open = null;
        using var users = plan.Open is { } steady ? new ConnectionPool(plan.Target, steady.Path, steady.MaxConnections) : null;
        if (users is not null)
        {
            // A thread of its own: a burst of responses would delay a thread of the pool.
            open = await Task.Factory.StartNew(
                () => new OpenLoop(time, Sleep, users.SendAsync).RunAsync(plan, plan.Open!, start, cancellationToken),
                cancellationToken,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap();
            await leave.CancelAsync();
        }

        var recordingSince = start + (long)(plan.WarmUpSeconds * time.TimestampFrequency);
        return new LoadReport(recordingSince, open, closed is null ? null : await closed);
    }

    private static void Sleep(TimeSpan duration)
    {
        // Thread.Sleep counts in milliseconds; usleep wakes within about 0.1 ms, and neither burns a core the servers need.
        if (OperatingSystem.IsWindows())
        {
            Thread.Sleep(Math.Max(1, (int)duration.TotalMilliseconds));
        }
        else
        {
            _ = SleepMicroseconds((uint)Math.Clamp(duration.TotalMicroseconds, 1, 500_000));
        }
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int SleepMicroseconds(uint microseconds);
}
