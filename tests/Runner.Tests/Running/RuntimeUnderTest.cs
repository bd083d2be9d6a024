namespace ClusterAspire.Runner.Tests;

/// <summary>What replicas run in during a test, and how a test lays hands on them there.</summary>
internal abstract class RuntimeUnderTest
{
    /// <summary>The value of <c>--runtime</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Switches that tests of this runtime start every cluster with.</summary>
    public virtual string[] Switches => [];

    /// <summary>Skips the test, with the reason, where this runtime cannot be tested.</summary>
    public abstract void SkipWhereMissing();

    /// <summary>Ends a replica without warning.</summary>
    public abstract void Kill(Replica replica);

    /// <summary>Stops a replica from doing anything, without ending it.</summary>
    public abstract void Freeze(Replica replica);
}
