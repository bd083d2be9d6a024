namespace ClusterAspire.Orchestration;

/// <summary>What starts the replicas and keeps them running.</summary>
public enum OrchestratorKind
{
    /// <summary>Aspire where this build has it, else the embedded one.</summary>
    Auto,

    /// <summary>.NET Aspire, with its dashboard.</summary>
    Aspire,

    /// <summary>The AppHost itself.</summary>
    Embedded,
}
