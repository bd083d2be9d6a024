namespace ClusterAspire.Replica.Identity;

/// <summary>Who this replica is, bound from the configuration section <c>Replica</c>.</summary>
public sealed class ReplicaOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Replica";

    /// <summary>The replica's name, such as <c>replica-0</c>; the machine's name when not set.</summary>
    public string? Name { get; set; }

    /// <summary>The core this replica is pinned to (the operating system's number), or null when it is not pinned.</summary>
    public int? Core { get; set; }

    /// <summary>The file whose lock makes a replica the leader (<see cref="Leadership.IReplicaLeader"/>); those that share it choose one of them.</summary>
    public string LeaderFile { get; set; } = Path.Combine(Path.GetTempPath(), $"clusteraspire-{Environment.UserName}.leader");

    /// <summary>The folder of the keys that replicas protect cookies and tokens with, or null for what ASP.NET Core chooses.</summary>
    public string? KeyDirectory { get; set; }

    /// <summary>Whether this process pins itself to <see cref="Core"/>, as its orchestrator (Aspire) starts it unpinned.</summary>
    public bool Pin { get; set; }
}
