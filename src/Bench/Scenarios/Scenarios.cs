namespace ClusterAspire.Bench;

/// <summary>The scenarios, in the order they run.</summary>
internal static class Scenarios
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IScenario> All { get; } =
    [
        new ArticleScenario(),
        new CrashScenario(),
        new CollectionScenario(),
        new ScalingScenario(),
        new ForwardingScenario(),
        new HopScenario(),
        new IdleScenario(),
        new KillScenario(),
        new StartScenario(),
        new MicroScenario(),
        new PageScenario(),
    ];
}
