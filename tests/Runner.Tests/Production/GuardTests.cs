using System.Net;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>What replicas are kept from.</summary>
public sealed class GuardTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_replica_that_uses_too_much_memory_and_one_that_has_answered_enough_are_replaced_without_a_loss()
    {
        await using var cluster = new PlainCluster();
        cluster.Write(new { }, new { restartMemory = "400m" });
        await cluster.StartAsync();
        var before = await cluster.PidsAsync();

        using (var hog = await cluster.Client.PostAsync("/hog?megabytes=500", null, Cancelled))
        {
            Assert.Equal(HttpStatusCode.OK, hog.StatusCode);
        }

        var load = new MixedLoad(cluster.Client.BaseAddress!);
        load.Start();
        await cluster.Runner.LineAsync(line => line.EndsWith(" MiB of memory, more than 400 MiB: another takes its place.", StringComparison.Ordinal), "it is said");
        await cluster.Runner.LineAsync(line => line.Contains(" was replaced: ", StringComparison.Ordinal), "it is replaced");
        await load.EndAsync();
        // The other one stays.
        Assert.Single(before.Intersect(await cluster.PidsAsync()));

        cluster.Write(new { }, new { restartRequests = 100 });
        await cluster.DoAsync("reload");
        before = await cluster.PidsAsync();
        await Eventually.IsTrueAsync(async () => !before.Intersect(await cluster.PidsAsync()).Any(), "both are replaced, one after the other");
    }

    [Fact]
    public async Task A_crash_loop_is_shown_and_a_reload_ends_it()
    {
        await using var cluster = new PlainCluster();
        cluster.Write(new { FAILS = "no licence", FAILS_AS = "replica-1" });
        await cluster.StartAsync();
        await cluster.Runner.LineAsync(line => line.StartsWith("replica-1 is in a crash loop: ", StringComparison.Ordinal), "it is said");
        Assert.Contains(await cluster.DoAsync("status"), line => line.Contains("crash loop", StringComparison.Ordinal) && line.Contains("exited with code 3", StringComparison.Ordinal));
        Assert.Single(await cluster.PidsAsync());

        cluster.Write(new { });
        await cluster.DoAsync("reload");

        Assert.Equal(2, (await cluster.PidsAsync()).Count);
        Assert.DoesNotContain(await cluster.DoAsync("status"), line => line.Contains("crash loop", StringComparison.Ordinal));
    }
}
