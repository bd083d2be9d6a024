using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Supervision;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class RestartLimitsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly RestartLimits All = RestartLimits.Of(new() { RestartMemory = "100m", RestartAge = 3600, RestartRequests = 1000 });

    [Theory]
    [InlineData(100, 3600, 999, null)]
    [InlineData(101, 0, 0, RestartReason.Memory)]
    [InlineData(0, 3601, 0, RestartReason.Age)]
    [InlineData(0, 0, 1000, RestartReason.Requests)]
    public void What_a_replica_reaches_is_named(int mebibytes, int age, long requests, string? reason) =>
        Assert.Equal(reason, All.Reached(Replica(mebibytes), requests, Start.AddSeconds(age))?.Reason);

    [Fact]
    public void Nothing_is_reached_of_what_was_not_asked_for() =>
        Assert.Null(RestartLimits.Of(new()).Reached(Replica(100_000), long.MaxValue, Start.AddYears(1)));

    [Fact]
    public void Replicas_reach_age_and_requests_within_a_tenth_but_not_together()
    {
        var replicas = Enumerable.Range(0, 100).Select(_ => All.ForOne()).ToList();

        Assert.All(replicas, limits =>
        {
            Assert.Equal(All.Memory, limits.Memory);
            Assert.InRange(limits.Age!.Value.TotalSeconds, 3240, 3960);
            Assert.InRange(limits.Requests!.Value, 900, 1100);
        });
        Assert.True(replicas.DistinctBy(limits => limits.Age).Count() > 50);
    }

    private static WorkloadStatus Replica(long mebibytes) =>
        new("replica-0", WorkloadState.Ready, "pid 1", null, 20000, Start, 0, mebibytes << 20, null);
}
