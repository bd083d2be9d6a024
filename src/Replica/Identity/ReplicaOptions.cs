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

    /// <summary>Whether this process pins itself to <see cref="Core"/>, as its orchestrator (Aspire) starts it unpinned.</summary>
    public bool Pin { get; set; }
}
