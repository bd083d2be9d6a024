using System.Globalization;
using System.Runtime.Versioning;

namespace ClusterAspire.Replica.Supervision;

/// <summary>What Linux tells of a process: proc_pid_stat(5). The orchestration compiles this file too.</summary>
[SupportedOSPlatform("linux")]
internal static class ProcessStat
{
    private const int NoSuchProcess = 3;

    /// <summary>When a process started, in clock ticks since boot; null when it has ended, whether it was collected or not.</summary>
    /// <exception cref="IOException">It cannot be read, for example because there are no descriptors left.</exception>
    public static long? RunningSince(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && Directory.Exists("/proc/self"))
        {
            return null;
        }
        catch (IOException e) when (e.HResult is NoSuchProcess)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
