using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using ClusterAspire.Replica.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Pinning;

/// <summary>
/// Pins this process to its core, for orchestrators that start processes unpinned; to another core if this process may not use that one.
/// </summary>
internal sealed partial class ReplicaPinning(IOptions<ReplicaOptions> options, ReplicaIdentity identity, ILogger<ReplicaPinning> logger) : IHostedService
{
    private const int NoSuchThread = 3;
    private const int InvalidArgument = 22;

    /// <exception cref="OptionsValidationException">This process may not use that core.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value is { Pin: true, Core: { } core })
        {
            try
            {
                identity.Core = PinTo(core);
            }
            catch (Win32Exception e)
            {
                throw new OptionsValidationException(
                    ReplicaOptions.Section, typeof(ReplicaOptions), [$"Replica:Core {core} is no core that this process may use ({e.Message}): name another, or leave Replica:Pin out."]);
            }

            if (identity.Core != core)
            {
                Log.Elsewhere(logger, core, identity.Core);
            }
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Pins all threads; threads that start later inherit the mask. macOS has no such function.
    private static int PinTo(int core)
    {
        if (OperatingSystem.IsLinux())
        {
            return PinOnLinux(core);
        }

        if (OperatingSystem.IsWindows())
        {
            using var self = Process.GetCurrentProcess();
            self.ProcessorAffinity = (nint)1 << core;
        }

        return core;
    }

    // The core may have been removed from this process' cpuset since the plan was made. Then the next one is used.
    [SupportedOSPlatform("linux")]
    private static int PinOnLinux(int core)
    {
        for (var other = core; ; other = After(other))
        {
            try
            {
                PinThreads(other);
                return other;
            }
            catch (Win32Exception e) when (e.NativeErrorCode is InvalidArgument && Exists(core) && After(other) != core)
            {
                // Not this one either.
            }
        }
    }

    private static int After(int core) => Exists(core + 1) ? core + 1 : 0;

    private static bool Exists(int core) => Directory.Exists($"/sys/devices/system/cpu/cpu{core}");

    // On Linux each thread has its own affinity, and a new thread inherits its parent's. A thread that is not pinned yet may start
    // another one in the meantime, so this repeats until it finds no new thread.
    [SupportedOSPlatform("linux")]
    private static void PinThreads(int core)
    {
        HashSet<int> pinned = [];
        int before;
        do
        {
            before = pinned.Count;
            foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
            {
                var thread = int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture);
                if (!pinned.Contains(thread) && Pin(thread, core))
                {
                    pinned.Add(thread);
                }
            }
        }
        while (pinned.Count > before);
    }

    [SupportedOSPlatform("linux")]
    private static bool Pin(int thread, int core) =>
        ThreadAffinity.Set(thread, core) switch
        {
            0 => true,
            NoSuchThread => false,
            var error => throw new Win32Exception(error),
        };

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Core {Planned} can no longer be used: running on core {Core} instead.")]
        public static partial void Elsewhere(ILogger logger, int planned, int? core);
    }
}
