using System.Globalization;
using System.Runtime.InteropServices;
using ClusterAspire.Orchestration;

namespace ClusterAspire.Runner;

/// <summary>The listening sockets that a socket unit of systemd hands over (sd_listen_fds(3)): they outlive every start of the balancer.</summary>
internal static partial class HandedOverSockets
{
    private const string Name = "systemd";
    private const int First = 3;
    private const int SetDescriptorFlags = 2;
    private const int CloseOnExec = 1;

    /// <summary>Their descriptors. Only those who are given them by name inherit them.</summary>
    public static IReadOnlyList<int> Descriptors { get; } = Find();

    /// <summary>Puts their addresses in the place of <c>systemd</c>: <c>https</c> for those whose name in the unit begins with that, else <c>http</c>.</summary>
    /// <exception cref="ClusterException">There are none.</exception>
    public static void PutInto(IList<string> listen)
    {
        for (var i = listen.Count - 1; i >= 0; i--)
        {
            if (!listen[i].Equals(Name, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (Descriptors.Count is 0)
            {
                throw new ClusterException($"No sockets were handed over for --listen {Name}: start this by a socket unit, or name addresses.");
            }

            listen.RemoveAt(i);
            var names = Environment.GetEnvironmentVariable("LISTEN_FDNAMES")?.Split(':') ?? [];
            foreach (var (n, descriptor) in Descriptors.Index().Reverse())
            {
                listen.Insert(i, $"{(names.ElementAtOrDefault(n)?.StartsWith("https", StringComparison.OrdinalIgnoreCase) is true ? "https" : "http")}://fd:{descriptor}");
            }
        }
    }

    private static int[] Find()
    {
        if (OperatingSystem.IsWindows()
            || Environment.GetEnvironmentVariable("LISTEN_PID") != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
            || !int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), CultureInfo.InvariantCulture, out var count))
        {
            return [];
        }

        int[] descriptors = [.. Enumerable.Range(First, count)];
        // A descriptor that fcntl refuses is not open.
        return Array.FindAll(descriptors, descriptor => Control(descriptor, SetDescriptorFlags, CloseOnExec) is 0);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);
}
