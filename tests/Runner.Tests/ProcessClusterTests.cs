using System.Net.Http.Json;
using System.Text.Json;

namespace ClusterAspire.Runner.Tests;

/// <summary>All of it with processes, and what only processes have.</summary>
public sealed class ProcessClusterTests : ClusterTests
{
    private protected override RuntimeUnderTest Runtime { get; } = new ProcessesUnderTest();

    [Fact]
    public async Task Each_replica_has_its_one_core_and_counts_one()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        using var client = new HttpClient();

        foreach (var replica in await cluster.ReplicasAsync())
        {
            Assert.Equal([$"{replica.Core}"], CoresOfThreads(replica.Pid!.Value).Distinct());
            var health = await client.GetFromJsonAsync<JsonElement>(new Uri(replica.Address, "health"), TestContext.Current.CancellationToken);
            Assert.Equal((replica.Name, 1), (health.GetProperty("name").GetString(), health.GetProperty("cores").GetInt32()));
        }
    }

    [Fact]
    public async Task A_replica_that_was_restarted_has_its_core_again()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var victim = (await cluster.ReplicasAsync())[1];

        cluster.Kill(victim);

        var back = await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.NotEqual(victim.Pid, back.Pid);
        Assert.Equal([$"{victim.Core}"], CoresOfThreads(back.Pid!.Value).Distinct());
    }

    [Fact]
    public async Task A_standby_takes_the_place_and_the_core_of_a_replica_that_died()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2, ["--standby"]);
        await Eventually.IsTrueAsync(() => Unix.Children(cluster.Runner.Pid).Count is 6, "each has a standby");
        var standbys = Unix.Children(cluster.Runner.Pid);
        var victim = (await cluster.ReplicasAsync())[1];

        cluster.Kill(victim);

        var back = await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.Contains(back.Pid!.Value, standbys);
        Assert.Equal(victim.Address, back.Address);
        Assert.Equal([$"{victim.Core}"], CoresOfThreads(back.Pid!.Value).Distinct());
        await cluster.Runner.LineAsync(
            line => line.EndsWith($"exited with code 137; its standby (pid {back.Pid}) takes over", StringComparison.Ordinal), "it is said");
        await Eventually.IsTrueAsync(() => Unix.Children(cluster.Runner.Pid).Count is 6, "it has a standby again");
        var all = Unix.Children(cluster.Runner.Pid);

        cluster.Runner.Signal(Unix.SigKill);
        await cluster.Runner.ExitAsync();

        await Eventually.IsTrueAsync(() => !all.Any(TestProcess.IsRunning), "neither replicas nor standbys are left behind");
    }

    [Fact]
    public async Task Without_pinning_replicas_may_use_every_core()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2, ["--no-pin"]);

        var own = CoresOfThreads(Environment.ProcessId)[0];
        Assert.All(await cluster.ReplicasAsync(), replica =>
        {
            Assert.Null(replica.Core);
            Assert.Contains(own, CoresOfThreads(replica.Pid!.Value));
        });
    }

    [Fact]
    public async Task SIGKILL_of_the_AppHost_leaves_no_orphan()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 3);
        var children = Unix.Children(cluster.Runner.Pid);
        Assert.Equal(4, children.Count);

        cluster.Runner.Signal(Unix.SigKill);
        await cluster.Runner.ExitAsync();

        await Eventually.IsTrueAsync(() => !children.Any(TestProcess.IsRunning), "its children are gone");
    }

    [Fact]
    public async Task SIGKILL_of_dotnet_run_leaves_no_orphan()
    {
        Requires.Linux();
        var (port, adminPort) = Cluster.FreePorts();
        await using var dotnetRun = RunnerProcess.StartByDotnetRun(["--runtime", "process", "--replicas", "1", "--port", $"{port}", "--admin-port", $"{adminPort}"]);
        await dotnetRun.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");
        var runner = Assert.Single(Unix.Children(dotnetRun.Pid));
        int[] all = [runner, .. Unix.Children(runner)];
        Assert.Equal(3, all.Length);

        dotnetRun.Signal(Unix.SigKill);

        await Eventually.IsTrueAsync(() => !all.Any(TestProcess.IsRunning), "the Runner and its children are gone");
    }

    private static IReadOnlyList<string> CoresOfThreads(int pid) => ThreadFiles.Status(pid, "Cpus_allowed_list");
}
