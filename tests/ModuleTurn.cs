using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

[assembly: AssemblyFixture(typeof(ClusterAspire.Tests.ModuleTurn))]

namespace ClusterAspire.Tests;

/// <summary>
/// Lets two test modules run at a time on this machine: one in the foreground, whose clusters saturate every core on purpose, and one in
/// the background, which gets what the other leaves. <c>dotnet test</c> starts several at once. A module whose project has the assembly
/// metadata <c>RunsInBackground</c> is of the second kind: it builds, or serves in its own process, and only takes longer where it waits.
/// </summary>
public sealed class ModuleTurn : IAsyncLifetime
{
    private static readonly bool InBackground =
        typeof(ModuleTurn).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(attribute => attribute.Key is "RunsInBackground");

    private static readonly string Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"clusteraspire-tests{(InBackground ? "-background" : "")}.lock");

    // Longer than all modules take together.
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    private FileStream? _lock;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (InBackground)
        {
            LowerPriority();
        }

        for (var limit = DateTime.UtcNow + Limit; _lock is null;)
        {
            try
            {
                // The operating system lets go of it when the process ends, however it ends.
                _lock = new FileStream(Path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                if (DateTime.UtcNow > limit)
                {
                    throw new TimeoutException($"Another test module has held {Path} for {Limit.TotalMinutes} minutes.");
                }

                await Task.Delay(200);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _lock?.DisposeAsync() ?? default;

    // Threads and processes inherit it; a second pass finds the threads that others started during the first.
    private static void LowerPriority()
    {
        const int OfThread = 0;
        const int Lowest = 19;
        for (var pass = 0; pass < 2 && OperatingSystem.IsLinux(); pass++)
        {
            foreach (var thread in Directory.GetDirectories("/proc/self/task"))
            {
                _ = SetPriority(OfThread, int.Parse(System.IO.Path.GetFileName(thread), CultureInfo.InvariantCulture), Lowest);
            }
        }
    }

    // setpriority(2), which on Linux is for one thread.
    [DllImport("libc", EntryPoint = "setpriority"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, int who, int priority);
}
