using System.Diagnostics;
using System.Globalization;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>What the plan has to know of the machine it is for.</summary>
/// <param name="Cores">The cores this process may use, by the operating system's numbers.</param>
/// <param name="Processors">How many of them it gets at a time: fewer than cores under a CPU quota.</param>
public sealed record Machine(IReadOnlyList<int> Cores, int Processors)
{
    private const string Affinity = "Cpus_allowed_list:";

    /// <summary>
    /// The cores of this machine that this process may use now, by its affinity mask and its cgroup's quota.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Machine Current => new(UsableCores(), Environment.ProcessorCount);

    /// <summary>Whether what runs on it can be pinned to cores: processes on macOS cannot.</summary>
    public bool Pins { get; init; } = !OperatingSystem.IsMacOS();

    /// <summary>Whether a loopback TCP port can be listened at.</summary>
    public Func<int, bool> IsFree { get; init; } = port => LoopbackPort.ListenError(port) is null;

    /// <summary>Reads a list of cores such as <c>0-3,8,10-11</c>, as Linux writes it (cpuset(7), list format).</summary>
    internal static IReadOnlyList<int> ParseCores(string list) =>
    [
        .. from range in list.Split(',')
           let ends = Array.ConvertAll(range.Split('-'), end => int.Parse(end, CultureInfo.InvariantCulture))
           from core in Enumerable.Range(ends[0], ends[^1] - ends[0] + 1)
           select core,
    ];

    private static IReadOnlyList<int> UsableCores()
    {
        if (OperatingSystem.IsLinux())
        {
            return ParseCores(File.ReadLines("/proc/self/status").First(line => line.StartsWith(Affinity, StringComparison.Ordinal))[Affinity.Length..]);
        }

        if (OperatingSystem.IsWindows())
        {
            using var self = Process.GetCurrentProcess();
            var mask = self.ProcessorAffinity;
            return [.. Enumerable.Range(0, 8 * nint.Size).Where(core => (mask >> core & 1) == 1)];
        }

        return [.. Enumerable.Range(0, Environment.ProcessorCount)];
    }
}
