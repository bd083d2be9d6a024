namespace ClusterAspire.Orchestration.Options;

/// <summary>What a replica runs in.</summary>
public enum RuntimeKind
{
    /// <summary>Containers where an engine answers and has the image or can build it from what it has, else processes.</summary>
    Auto,

    /// <summary>A process of its own, pinned to its core.</summary>
    Process,

    /// <summary>A container of its own, its cpuset one core.</summary>
    Container,
}
