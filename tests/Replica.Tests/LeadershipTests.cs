using ClusterAspire.Replica.Leadership;
using Xunit;

namespace ClusterAspire.Replica.Tests;

public sealed class LeadershipTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-leader-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task One_replica_leads_and_hands_over_when_it_ends()
    {
        var first = await StartAsync();
        await using var second = await StartAsync();
        var work = await first.Get<IReplicaLeader>().LeadAsync(Cancelled);
        var waiting = second.Get<IReplicaLeader>().LeadAsync(Cancelled);

        Assert.True(first.Get<IReplicaLeader>().IsLeader);
        Assert.False(second.Get<IReplicaLeader>().IsLeader);
        Assert.False(work.IsCancellationRequested);

        await first.StopAsync();
        // It may still be about its last piece of work.
        Assert.True(work.IsCancellationRequested);
        Assert.False(first.Get<IReplicaLeader>().IsLeader);
        Assert.False(second.Get<IReplicaLeader>().IsLeader);

        await first.DisposeAsync();

        Assert.False((await Eventually.InTimeAsync(waiting)).IsCancellationRequested);
        Assert.True(second.Get<IReplicaLeader>().IsLeader);
    }

    [Fact]
    public async Task Whoever_waits_to_lead_is_told_that_its_replica_stops()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync();
        await first.Get<IReplicaLeader>().LeadAsync(Cancelled);
        var waiting = second.Get<IReplicaLeader>().LeadAsync(Cancelled);

        await second.StopAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.InTimeAsync(waiting));
    }

    private Task<TestApplication> StartAsync() =>
        TestApplication.StartAsync(_ => { }, new() { ["Replica:LeaderFile"] = Path.Combine(_folder, "leader") });
}
