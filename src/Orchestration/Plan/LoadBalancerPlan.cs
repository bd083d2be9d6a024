using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>The load balancer: its ports and what it is told.</summary>
/// <param name="Port">The public TCP port.</param>
/// <param name="AdminPort">The TCP port of the live page, the metrics and the replica API.</param>
/// <param name="Environment">Its configuration, the replicas' addresses among it, as environment variables.</param>
public sealed record LoadBalancerPlan(int Port, int AdminPort, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>What the load balancer is called, in output and in telemetry.</summary>
    public const string Name = "loadbalancer";

    /// <summary>Where clients reach the service.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>Where the live page, the metrics and the replica API are.</summary>
    public Uri AdminUrl => new($"http://127.0.0.1:{AdminPort}");

    /// <exception cref="ClusterException">A port is taken.</exception>
    internal void EnsurePortsAreFree()
    {
        LoopbackPort.EnsureFree(Port, nameof(ClusterOptions.Port));
        LoopbackPort.EnsureFree(AdminPort, nameof(ClusterOptions.AdminPort));
    }
}
