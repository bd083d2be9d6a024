namespace ClusterAspire.Orchestration;

/// <summary>What a replica runs in.</summary>
public enum RuntimeKind
{
    /// <summary>A process of its own, pinned to its core.</summary>
    Process,
}
