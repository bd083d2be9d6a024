using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

[assembly: AssemblyFixture(typeof(ClusterAspire.Tests.ModuleTurn))]

namespace ClusterAspire.Tests;

/// <summary>
/// Lets two test modules run at a time on this machine: one in the foreground, whose clusters saturate every core on purpose, and one in
/// the background, at a lower priority. <c>dotnet test</c> starts several at once. A module whose project has the assembly metadata
/// <c>RunsInBackground</c> is of the second kind, and the value is its nice value: 19 where it builds, 5 where it serves in its own process, 0 where its tests look at it.
/// </summary>
public sealed class ModuleTurn : IAsyncLifetime
{
    private static readonly string? Background =
        typeof(ModuleTurn).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().SingleOrDefault(attribute => attribute.Key is "RunsInBackground")?.Value;

    private static readonly string Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"clusteraspire-tests{(Background is null ? "" : "-background")}.lock");

    // Longer than all modules take together.
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    private FileStream? _lock;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (Background is not null)
        {
            LowerPriority(int.Parse(Background, CultureInfo.InvariantCulture));
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
    private static void LowerPriority(int priority)
    {
        const int OfThread = 0;
        for (var pass = 0; pass < 2 && OperatingSystem.IsLinux(); pass++)
        {
            foreach (var thread in Directory.GetDirectories("/proc/self/task"))
            {
                _ = SetPriority(OfThread, int.Parse(System.IO.Path.GetFileName(thread), CultureInfo.InvariantCulture), priority);
            }
        }
    }

    // setpriority(2), which on Linux is for one thread.
    [DllImport("libc", EntryPoint = "setpriority"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, int who, int priority);
}
