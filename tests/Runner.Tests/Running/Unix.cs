using System.Globalization;
using System.Runtime.InteropServices;

namespace ClusterAspire.Runner.Tests;

/// <summary>Signals, and what Linux knows of processes.</summary>
internal static partial class Unix
{
    public const int SigHup = 1;
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigStop = 19;
    public const int SigTstp = 20;

    private const string IgnoredSignals = "SigIgn:";

    /// <summary>Whether this process, and so its children, ignores Ctrl+C and Ctrl+\: shells start what runs in the background so.</summary>
    public static bool IgnoresInterrupts
    {
        get
        {
            var mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith(IgnoredSignals, StringComparison.Ordinal))[IgnoredSignals.Length..];
            return (ulong.Parse(mask, NumberStyles.HexNumber | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture) >> (SigInt - 1) & 1) == 1;
        }
    }

    public static void Signal(int pid, int signal) => Assert.Equal(0, Kill(pid, signal));

    /// <summary>The processes that a process started and that still run, the shell aside that ends what a killed Runner leaves behind.</summary>
    public static IReadOnlyList<int> Children(int pid) => [.. AllChildren(pid).Where(child => NameOf(child) is not "sh")];

    /// <summary>The name of a process' program; null when it has ended.</summary>
    public static string? NameOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The command line of a process; empty when it has ended.</summary>
    public static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>The processes below a process, at any depth.</summary>
    public static IReadOnlyList<int> Descendants(int pid) => [.. Children(pid).SelectMany(child => (int[])[child, .. Descendants(child)])];

    /// <summary>The processes that a process started and that still run.</summary>
    public static IReadOnlyList<int> AllChildren(int pid) => ThreadFiles.Children(pid);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
