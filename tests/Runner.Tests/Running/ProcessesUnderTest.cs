namespace ClusterAspire.Runner.Tests;

internal sealed class ProcessesUnderTest : RuntimeUnderTest
{
    public override string Name => "process";

    public override void SkipWhereMissing() => Requires.Linux();

    public override void Kill(Replica replica) => Unix.Signal(replica.Pid!.Value, Unix.SigKill);

    public override void Freeze(Replica replica) => Unix.Signal(replica.Pid!.Value, Unix.SigStop);
}
