using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using ClusterAspire.Replica.Supervision;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>The process a container belongs to, as written on the container's label.</summary>
/// <param name="Machine">The machine it runs on; by its id, as it may be given another name.</param>
/// <param name="Pid">Its process id there.</param>
/// <param name="StartedAt">When it started: process ids come around again. On Linux in clock ticks since boot, as the clock may be set; elsewhere in Unix seconds.</param>
internal sealed record ContainerOwner(string Machine, int Pid, long StartedAt)
{
    /// <summary>This process.</summary>
    public static ContainerOwner Current { get; } = new(MachineId(), Environment.ProcessId, RunningSince(Environment.ProcessId) ?? 0);

    /// <summary>Whether it runs still. One on another machine that shares the engine, or that cannot be looked at, is taken to.</summary>
    public bool IsAlive()
    {
        try
        {
            return Machine != MachineId() || RunningSince(Pid) == StartedAt;
        }
        catch (Exception e) when (e is IOException or Win32Exception)
        {
            return true;
        }
    }

    /// <summary>Reads a label; null when nothing sensible is in it.</summary>
    public static ContainerOwner? Parse(string label) =>
        label.Split('/') is [var machine, var pid, var started]
        && int.TryParse(pid, CultureInfo.InvariantCulture, out var id)
        && long.TryParse(started, CultureInfo.InvariantCulture, out var at)
            ? new(machine, id, at)
            : null;

    /// <summary>The label's value.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Machine}/{Pid}/{StartedAt}");

    private static string MachineId()
    {
        // machine-id(5).
        const string Path = "/etc/machine-id";
        var id = File.Exists(Path) ? File.ReadAllText(Path).Trim() : "";
        return id is "" ? Environment.MachineName : id;
    }

    private static long? RunningSince(int pid)
    {
        if (OperatingSystem.IsLinux())
        {
            return ProcessStat.RunningSince(pid);
        }

        try
        {
            using var process = Process.GetProcessById(pid);
            return new DateTimeOffset(process.StartTime).ToUnixTimeSeconds();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }
}
