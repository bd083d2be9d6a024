using System.Runtime.InteropServices;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>How many files and sockets this process may still open.</summary>
internal static partial class Descriptors
{
    private const int LeastReserved = 16;
    private const int MostReserved = 256;

    // Without a descriptor the runtime cannot load code, and ends the process.
    private const int Runtime = 8;
    private const int Linux = 7;
    private const int Bsd = 8;

    // The descriptors that the process uses without clients. Clients and replicas share the rest.
    private static readonly int Own = Count();

    /// <summary>The process's limit; <see cref="int.MaxValue"/> where there is none.</summary>
    // Read each time, because prlimit(1) can change it.
    public static int Limit =>
        !OperatingSystem.IsWindows() && GetLimit(OperatingSystem.IsLinux() ? Linux : Bsd, out var limit) == 0
            ? (int)Math.Min(limit.Current, int.MaxValue)
            : int.MaxValue;

    /// <summary>
    /// Whether so few are left that new clients must wait. The rest is for connections to replicas, the admin port and logs.
    /// </summary>
    /// <param name="newest">The descriptor opened last: the system gives the lowest that is free, so all below are in use.</param>
    public static bool AreShort(nint newest)
    {
        var limit = Limit;
        return newest >= limit - Math.Clamp((limit - Own) / 4, LeastReserved, MostReserved);
    }

    /// <summary>Whether so few are left that connections to replicas are not to be made either.</summary>
    /// <param name="newest">The descriptor opened last.</param>
    public static bool AreOut(nint newest) => newest >= Limit - Runtime;

    /// <inheritdoc cref="AreShort(nint)"/>
    public static bool AreShort()
    {
        try
        {
            using var probe = OpenSpare();
            return AreShort(probe.DangerousGetHandle());
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Opens one that can be closed when another is needed.</summary>
    /// <exception cref="IOException">There is none left.</exception>
    public static Microsoft.Win32.SafeHandles.SafeFileHandle OpenSpare() => File.OpenHandle(OperatingSystem.IsWindows() ? "NUL" : "/dev/null");

    private static int Count()
    {
        using var newest = OpenSpare();
        return (int)newest.DangerousGetHandle();
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limits limit);

    private struct Limits
    {
        public ulong Current;
        public ulong Most;
    }
}
