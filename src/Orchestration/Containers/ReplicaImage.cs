namespace ClusterAspire.Orchestration.Containers;

/// <summary>What the replicas' containers are made of, and what they may use of the machine.</summary>
/// <param name="Name">The image.</param>
/// <param name="Engine">The command of the engine that has it: <c>docker</c> or <c>podman</c>.</param>
/// <param name="Memory">The most memory each may use, as the engine writes it (<c>256m</c>), or null for no limit.</param>
public sealed record ReplicaImage(string Name, string Engine, string? Memory)
{
    /// <summary>The arguments of the engine's <c>run</c> that confine a replica.</summary>
    /// <param name="core">The core it is pinned to, or null.</param>
    public IReadOnlyList<string> Limits(int? core) =>
    [
        // .NET's diagnostics have their socket in /tmp.
        "--read-only", "--tmpfs", "/tmp",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        // A cpuset and no quota: a quota would throttle light requests together with the heavy ones.
        .. core is null ? (string[])[] : ["--cpuset-cpus", $"{core}"],
        .. Memory is null ? (string[])[] : ["--memory", Memory],
    ];
}
