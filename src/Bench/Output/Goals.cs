namespace ClusterAspire.Bench;

/// <summary>What is wanted of a run, as ratios within it.</summary>
internal static class Goals
{
    private const string NodeCluster = "Node cluster";

    /// <summary>Judges what was measured; a goal whose figures are missing is left out.</summary>
    public static IReadOnlyList<Goal> Evaluate(Results results) =>
        [.. Latency(results), .. Scaling(results), .. Forwarding(results), .. Hop(results), .. Kills(results), .. Start(results), .. Page(results)];

    private static IEnumerable<Goal> Latency(Results results)
    {
        var saturated = ArticleScenario.Case(4 * results.Machine.Cores);
        double? P99(string system, string @case) => results.Find("article", system, @case, "p99");
        if (P99(Systems.Cluster, saturated) / P99(Systems.Cluster, ArticleScenario.Case(0)) is { } risen)
        {
            yield return Goal.AtMost("/fast p99 with every core saturated ÷ its idle p99", risen, 1.25);
        }

        if (P99(NodeCluster, saturated) / P99(Systems.Cluster, saturated) is { } lower)
        {
            yield return Goal.AtLeast("/fast p99 of Node's cluster ÷ ours, every core saturated", lower, 1000);
        }
    }

    private static IEnumerable<Goal> Scaling(Results results)
    {
        if (results.Find("scaling", Systems.Cluster, ScalingScenario.Case(results.Machine.Cores), ScalingScenario.Efficiency) is { } efficiency)
        {
            yield return Goal.AtLeast("/slow throughput ÷ (cores × one replica's)", efficiency, 0.95);
        }
    }

    private static IEnumerable<Goal> Forwarding(Results results)
    {
        double? Of(string system, string name) => results.Find("forwarding", system, ForwardingScenario.Saturated, name);
        foreach (var peer in new[] { "nginx", "HAProxy" })
        {
            if (Of(Systems.ClusterWithTelemetry, "throughput") / Of(peer, "throughput") is { } throughput)
            {
                yield return Goal.AtLeast($"/fast throughput with telemetry ÷ {peer}'s", throughput, 1.5);
            }

            if (Of(Systems.ClusterWithTelemetry, "p99") / Of(peer, "p99") is { } p99)
            {
                yield return Goal.AtMost($"/fast p99 with telemetry ÷ {peer}'s", p99, 1);
            }
        }
    }

    private static IEnumerable<Goal> Hop(Results results)
    {
        foreach (var @case in HopScenario.Cases)
        {
            double? Of(string system, string name) => results.Find("hop", system, @case.Name, name);
            foreach (var peer in new[] { "nginx", "HAProxy" })
            {
                if (Of(Systems.ClusterWithTelemetry, "throughput") / Of(peer, "throughput") is { } throughput)
                {
                    yield return Goal.AtLeast($"throughput ÷ {peer}'s, {@case.Name}", throughput, 1.5);
                }

                if (Of(Systems.ClusterWithTelemetry, "p99") / Of(peer, "p99") is { } p99)
                {
                    yield return Goal.AtMost($"p99 ÷ {peer}'s, {@case.Name}", p99, 1);
                }
            }

            if (@case is { Connections: 32, Length: 100, IsEncrypted: false } && Of(Systems.ClusterWithTelemetry, "CPU per request") is { } cpu)
            {
                yield return Goal.AtMost($"the balancer's CPU per request in µs, {@case.Name}", cpu, 25);
            }
        }

        if (results.Find("idle", Systems.Cluster, "", IdleScenario.Memory) is { } memory)
        {
            yield return Goal.AtMost("memory of 10 000 idle connections in MB", memory, 40);
        }
    }

    private static IEnumerable<Goal> Kills(Results results)
    {
        double? Of(string system, string name) => results.Find("kills", system, "", name);
        if (Of(Systems.Cluster, KillScenario.Failed) is { } failed && Of(Systems.Cluster, KillScenario.Sent) is { } sent)
        {
            yield return Goal.AtMost($"failed requests of {sent:0} under repeated kills", failed, 0);
        }
    }

    private static IEnumerable<Goal> Start(Results results)
    {
        double? Of(string system, string name) => results.Find("start", system, "", name);
        foreach (var (system, how) in new[] { (Systems.Cluster, ""), (Systems.ClusterWithAot, " with --aot"), (Systems.ClusterWithStandby, " with --standby") })
        {
            if (Of(system, Replacement.Figure) / Of(NodeCluster, Replacement.Figure) is { } slower)
            {
                yield return Goal.AtMost($"time until a killed replica's replacement serves{how} ÷ Node's", slower, 1);
            }
        }

        if (Of(Systems.Cluster, StartScenario.Resident) / Of(NodeCluster, StartScenario.Resident) is { } more)
        {
            yield return Goal.AtMost("resident memory of a replica ÷ a Node worker's", more, 1);
        }
    }

    private static IEnumerable<Goal> Page(Results results)
    {
        if (results.Find("page", Systems.Cluster, PageScenario.Watched, PageScenario.Share) is { } share)
        {
            yield return Goal.AtMost("the balancer's CPU for one open live page ÷ its CPU at full load", share, 0.01);
        }
    }
}
