namespace ClusterAspire.Orchestration;

/// <summary>What the user may choose, bound from the configuration section <c>Cluster</c>.</summary>
public sealed class ClusterOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Cluster";

    /// <summary>The service's name: the balancer's cluster, OpenTelemetry's <c>service.name</c>, the containers' label.</summary>
    public string Name { get; set; } = "service";

    /// <summary>How many replicas, or <c>auto</c> for one per core this process may use.</summary>
    public string Replicas { get; set; } = "auto";

    /// <summary>The public TCP port of the load balancer.</summary>
    public int Port { get; set; } = 8080;

    /// <summary>The TCP port of the live page, the metrics and the replica API.</summary>
    public int AdminPort { get; set; } = 8081;

    /// <summary>What replicas run in.</summary>
    public RuntimeKind Runtime { get; set; } = RuntimeKind.Process;

    /// <summary>Whether each replica is pinned to its core.</summary>
    public bool Pin { get; set; } = true;

    /// <summary>How long requests in flight may take to finish when the cluster stops, in seconds.</summary>
    public double DrainTimeout { get; set; } = 10;
}
