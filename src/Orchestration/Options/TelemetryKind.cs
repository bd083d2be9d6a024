namespace ClusterAspire.Orchestration.Options;

/// <summary>What the terminal shows of telemetry.</summary>
public enum TelemetryKind
{
    /// <summary>Nothing; the live page shows it.</summary>
    None,

    /// <summary>Metrics and traces, as OpenTelemetry's console exporter writes them.</summary>
    Console,

    /// <summary>A live table of the replicas' figures in place of log lines, where the terminal is interactive.</summary>
    Table,
}
