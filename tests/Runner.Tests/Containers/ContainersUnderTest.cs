namespace ClusterAspire.Runner.Tests;

internal sealed class ContainersUnderTest : RuntimeUnderTest
{
    public override string Name => "container";

    /// <summary>Tells this test's containers from everything else's.</summary>
    public string ClusterName { get; } = $"test-{Guid.NewGuid():n}"[..20];

    public override string[] Switches => ["--name", ClusterName];

    public override void SkipWhereMissing() => Engine.SkipWhereMissing();

    public override void Kill(Replica replica) => Engine.Run("kill", ContainerOf(replica));

    public override void Freeze(Replica replica) => Engine.Run("kill", "--signal", "STOP", ContainerOf(replica));

    public string ContainerOf(Replica replica) => Engine.ContainerOf(ClusterName, replica.Name);
}
