using System.Diagnostics;
using System.Globalization;

namespace ClusterAspire.Bench;

/// <summary>What Linux tells of processes.</summary>
internal static class ProcessTree
{
    /// <summary>Whether it can be asked here.</summary>
    public static bool IsReadable { get; } = File.Exists("/proc/self/task/" + Environment.ProcessId + "/children");

    /// <summary>The children of a process that are alive now.</summary>
    public static IReadOnlyList<int> Children(int pid)
    {
        try
        {
            return [.. Directory.GetDirectories($"/proc/{pid}/task").SelectMany(ChildrenOfThread)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The children of a process, their children and so on.</summary>
    public static IReadOnlyList<int> Descendants(int pid) =>
        [.. Children(pid).SelectMany(child => Descendants(child).Prepend(child))];

    /// <summary>CPU time a process has used, in user and kernel mode; zero when it is gone.</summary>
    public static TimeSpan CpuTime(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return process.TotalProcessorTime;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return TimeSpan.Zero;
        }
    }

    /// <summary>Memory of a process, in MB (10^6 bytes): resident, and its proportional share of what it shares with others.</summary>
    public static (double Resident, double Proportional) Memory(int pid)
    {
        var lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
        double Field(string name) =>
            lines.Where(line => line.StartsWith(name, StringComparison.Ordinal))
                .Select(line => double.Parse(line.AsSpan(name.Length..^2), CultureInfo.InvariantCulture) * 1024 / 1e6).FirstOrDefault();
        return (Field("Rss:"), Field("Pss:"));
    }

    private static IEnumerable<int> ChildrenOfThread(string thread)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);
        }
        catch (IOException)
        {
            // The thread has ended; the others have their children.
            return [];
        }
    }
}
