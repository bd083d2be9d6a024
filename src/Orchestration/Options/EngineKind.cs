namespace ClusterAspire.Orchestration.Options;

/// <summary>Which container engine runs the replicas.</summary>
public enum EngineKind
{
    /// <summary>Docker if it answers, else Podman.</summary>
    Auto,

    /// <summary>Docker, by its command <c>docker</c>.</summary>
    Docker,

    /// <summary>Podman, by its command <c>podman</c>.</summary>
    Podman,
}
