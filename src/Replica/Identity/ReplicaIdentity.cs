using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Identity;

/// <summary>Who answers: this replica, and this run of it.</summary>
/// <param name="options">The name and the core the orchestrator gave.</param>
public sealed class ReplicaIdentity(IOptions<ReplicaOptions> options)
{
    /// <summary>The replica's name, kept over restarts; the machine's name when none was given.</summary>
    public string Name { get; } = options.Value.Name ?? Environment.MachineName;

    /// <summary>The process id of this run.</summary>
    public int Pid { get; } = Environment.ProcessId;

    /// <summary>The container this run is in, as its engine calls it, or the pod; null when it is in none.</summary>
    /// <remarks>In a container the machine's name is the engine's id or the pod's name, and the first process has the id 1.</remarks>
    public string? Container { get; } = Environment.ProcessId is 1 ? Environment.MachineName : null;

    /// <summary>The core this replica is pinned to (the operating system's number), or null when it is not pinned.</summary>
    public int? Core { get; internal set; } = options.Value.Core;

    /// <summary>How many cores this process may use: its compute slots.</summary>
    public int Cores { get; } = Environment.ProcessorCount;

    /// <summary>When this run started (UTC).</summary>
    public DateTimeOffset StartedAt { get; } = ProcessStart();

    private static DateTimeOffset ProcessStart()
    {
        using var process = Process.GetCurrentProcess();
        return process.StartTime.ToUniversalTime();
    }
}
