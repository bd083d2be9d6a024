namespace ClusterAspire.Bench;

/// <summary>YARP as it comes before given replicas.</summary>
internal static class YarpPeer
{
    /// <summary>The policies it comes with that look at load, and round robin.</summary>
    public static IReadOnlyList<string> Policies { get; } = ["PowerOfTwoChoices", "LeastRequests", "RoundRobin"];

    /// <summary>YARP with one of its policies.</summary>
    public static IPeer Before(IReadOnlyList<Uri> replicas, string policy) =>
        DotnetPeer.Server($"YARP, {policy}", BenchServer.Yarp, core: null, [policy, .. replicas.Select(replica => replica.AbsoluteUri)]);
}
