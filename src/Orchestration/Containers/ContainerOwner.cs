using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>The AppHost a container belongs to, as written on the container's label.</summary>
/// <param name="Machine">The machine it runs on.</param>
/// <param name="Pid">Its process id there.</param>
/// <param name="StartedAt">When it started, in Unix seconds: process ids come around again.</param>
internal sealed record ContainerOwner(string Machine, int Pid, long StartedAt)
{
    // Start times are computed from the clock, which may have been set meanwhile.
    private const long ClockSkew = 5;

    /// <summary>This process.</summary>
    public static ContainerOwner Current { get; } = OfThisProcess();

    /// <summary>Whether it runs still. One on another machine that shares the engine is taken to.</summary>
    public bool IsAlive()
    {
        if (Machine != Environment.MachineName)
        {
            return true;
        }

        try
        {
            using var process = Process.GetProcessById(Pid);
            return Math.Abs(StartOf(process) - StartedAt) <= ClockSkew;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return false;
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

    private static ContainerOwner OfThisProcess()
    {
        using var self = Process.GetCurrentProcess();
        return new(Environment.MachineName, self.Id, StartOf(self));
    }

    private static long StartOf(Process process) => new DateTimeOffset(process.StartTime).ToUnixTimeSeconds();
}
