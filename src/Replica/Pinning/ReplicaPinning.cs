using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using ClusterAspire.Replica.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Pinning;

/// <summary>Pins this process to its core, for orchestrators that start processes unpinned.</summary>
internal sealed class ReplicaPinning(IOptions<ReplicaOptions> options) : IHostedService
{
    /// <exception cref="OptionsValidationException">This process may not use that core.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value is { Pin: true, Core: { } core })
        {
            try
            {
                PinTo(core);
            }
            catch (Win32Exception e)
            {
                throw new OptionsValidationException(
                    ReplicaOptions.Section, typeof(ReplicaOptions), [$"Replica:Core {core} is no core that this process may use ({e.Message}): name another, or leave Replica:Pin out."]);
            }
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // All threads, of which those started later inherit it. macOS has nothing for it.
    private static void PinTo(int core)
    {
        if (OperatingSystem.IsLinux())
        {
            PinOnLinux(core);
        }
        else if (OperatingSystem.IsWindows())
        {
            using var self = Process.GetCurrentProcess();
            self.ProcessorAffinity = (nint)1 << core;
        }
    }

    // There a thread has its affinity, and a new one its parent's: one that is not pinned yet may start another meanwhile.
    // Hence until there is none that is new.
    [SupportedOSPlatform("linux")]
    private static void PinOnLinux(int core)
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
    private static bool Pin(int thread, int core)
    {
        const int NoSuchThread = 3;
        return ThreadAffinity.Set(thread, core) switch
        {
            0 => true,
            NoSuchThread => false,
            var error => throw new Win32Exception(error),
        };
    }
}
