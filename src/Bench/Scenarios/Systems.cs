namespace ClusterAspire.Bench;

/// <summary>Names that goals and pictures look for.</summary>
internal static class Systems
{
    public const string Cluster = "ClusterAspire";
    public const string ClusterWithAot = "ClusterAspire, Native AOT";
    public const string ClusterWithStandby = "ClusterAspire, standby";
    public const string OneProcess = ".NET, one process, compute lane";
    public const string OneProcessThreadPool = ".NET, one process, thread pool";
    public const string OneReplica = ".NET, one replica on one core";
    public const string YarpThreadPool = "YARP LeastRequests, thread-pool replicas";
    public const string ClusterWithTelemetry = "ClusterAspire, OTLP export";
    public const string BareKestrel = "Kestrel, no balancer";

    /// <summary>The product with a replica on each core; two at least, so that there is something to fail over to.</summary>
    public static RunnerPeer ProductCluster { get; } = new(Cluster, Replicas);

    /// <summary>How many replicas the product is measured with.</summary>
    public static int Replicas => Math.Max(2, Cores.Count);
}
