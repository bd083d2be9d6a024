using System.Text.Json;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>What a running cluster can be told.</summary>
public sealed class ControlTests
{
    [Fact]
    public async Task Nothing_is_lost_when_replicas_are_replaced_added_and_taken_away()
    {
        await using var cluster = new PlainCluster();
        await cluster.StartAsync();
        var before = await cluster.PidsAsync();
        Assert.Equal(2, before.Count);
        var load = new MixedLoad(cluster.Client.BaseAddress!);
        load.Start();
        await load.GoesOnAsync(100);
        var slow = cluster.GetAsync("/wait?ms=3000");

        Assert.Equal(["2 replicas were replaced."], await cluster.DoAsync("reload"));
        await load.GoesOnAsync(100);
        Assert.Equal(["3 replicas serve."], await cluster.DoAsync("scale", "+1"));
        await load.GoesOnAsync(100);
        Assert.Equal(["1 replica serves."], await cluster.DoAsync("scale", "-2"));
        await load.GoesOnAsync(100);
        Assert.Equal(["2 replicas serve."], await cluster.DoAsync("scale", "2"));
        await load.GoesOnAsync(100);

        await load.EndAsync();
        Assert.Equal("waited", await slow);
        var after = await cluster.PidsAsync();
        Assert.Equal(2, after.Count);
        Assert.Empty(before.Intersect(after));
        Assert.DoesNotContain(before, Unix.IsRunning);
    }

    [Fact]
    public async Task A_reload_takes_up_the_new_configuration_and_stops_at_a_start_that_fails()
    {
        await using var cluster = new PlainCluster();
        await cluster.StartAsync();
        var before = await cluster.PidsAsync();

        cluster.Write(new { FAILS = "the database is not there" });
        var (exitCode, reload) = await cluster.TellAsync("reload");

        Assert.Equal(1, exitCode);
        Assert.Equal(["Reloading stopped, those before go on: The new replica-0 exited with code 3; its last words were: the database is not there"], reload.Errors);
        Assert.Equal(before, await cluster.PidsAsync());

        cluster.Write(new { GREETING = "good day" });
        await cluster.DoAsync("reload");

        Assert.Equal("good day", await cluster.GetAsync("/environment/GREETING"));
        Assert.Empty(before.Intersect(await cluster.PidsAsync()));
    }

    [Fact]
    public async Task Where_there_is_no_terminal_SIGHUP_reloads()
    {
        await using var cluster = new PlainCluster();
        await cluster.StartAsync("setsid");
        var before = await cluster.PidsAsync();

        cluster.Runner.Signal(Unix.SigHup);

        await cluster.Runner.LineAsync(line => line is "2 replicas were replaced.", "it reloads");
        Assert.Empty(before.Intersect(await cluster.PidsAsync()));
    }

    [Fact]
    public async Task A_release_is_switched_by_its_link()
    {
        await using var cluster = new PlainCluster();
        var link = Path.Combine(cluster.Folder, "current");
        foreach (var release in (string[])["1", "2"])
        {
            Assert.Equal(0, Engine.Execute("cp", "-r", Path.GetDirectoryName(PlainCluster.Program)!, Path.Combine(cluster.Folder, release)).ExitCode);
        }

        File.CreateSymbolicLink(link, "1");
        cluster.Write(new { }, new { service = Path.Combine("current", Path.GetFileName(PlainCluster.Program)) });
        await cluster.StartAsync();
        Assert.Equal(Path.Combine(cluster.Folder, "1/"), await cluster.GetAsync("/folder"));

        File.Delete(link);
        File.CreateSymbolicLink(link, "2");
        // What runs stays where it is, even what is started again.
        Unix.Signal((await cluster.PidsAsync()).First(), Unix.SigKill);
        await Eventually.IsTrueAsync(async () => (await cluster.PidsAsync()).Count is 2, "it is back");
        Assert.Equal(Path.Combine(cluster.Folder, "1/"), await cluster.GetAsync("/folder"));

        await cluster.DoAsync("reload");

        Assert.Equal(Path.Combine(cluster.Folder, "2/"), await cluster.GetAsync("/folder"));
    }

    [Fact]
    public async Task Status_logs_and_events_tell_the_user_alone_and_stop_drains()
    {
        await using var cluster = new PlainCluster();
        await cluster.StartAsync();
        var pid = (await cluster.PidsAsync()).First();
        Unix.Signal(pid, Unix.SigKill);
        await cluster.Runner.LineAsync(line => line.Contains($"(pid {pid}) exited with code 137", StringComparison.Ordinal), "it has ended");
        await Eventually.IsTrueAsync(async () => (await cluster.PidsAsync()).Count is 2, "it is back");

        var socket = Path.Combine(cluster.Folder, "clusteraspire", $"plain-{cluster.Port}.sock");
        Assert.Equal("600 700", Engine.Execute("stat", "-c", "%a", socket, Path.GetDirectoryName(socket)!).Output.Trim().Replace('\n', ' '));
        Assert.Contains(await cluster.DoAsync("status"), line => line.Contains("exited with code 137", StringComparison.Ordinal));
        var status = JsonElement.Parse(Assert.Single(await cluster.DoAsync("status", "--json")));
        Assert.Equal(("plain", cluster.Runner.Pid), (status.GetProperty("name").GetString(), status.GetProperty("pid").GetInt32()));
        Assert.Equal(
            [("replica-0", "ready"), ("replica-1", "ready"), ("loadbalancer", "ready")],
            status.GetProperty("workloads").EnumerateArray().Select(workload => (workload.GetProperty("name").GetString()!, workload.GetProperty("state").GetString()!)));
        Assert.Equal(1, status.GetProperty("workloads").EnumerateArray().Sum(workload => workload.GetProperty("restarts").GetInt32()));

        Assert.All(await cluster.DoAsync("logs", "replica-1"), line => Assert.Contains(" replica-1 | ", line, StringComparison.Ordinal));
        await using (var follower = RunnerProcess.Start(["logs", "-f"], cluster.RuntimeDirectory))
        {
            await follower.LineAsync(line => line.Contains("replica-0 | ", StringComparison.Ordinal), "what was is shown");
            var shown = follower.Output.Count;
            await cluster.GetAsync("/");
            await follower.LineAsync(_ => follower.Output.Count > shown, "what comes is shown");
        }

        Assert.Contains(await cluster.DoAsync("events"), line => line.Contains($"(pid {pid}) exited with code 137", StringComparison.Ordinal));
        Assert.Equal(1, (await cluster.TellAsync("logs", "replica-7")).ExitCode);

        var slow = cluster.GetAsync("/wait?ms=2000");
        await cluster.DoAsync("stop");
        Assert.Equal("waited", await slow);
        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.Empty(Directory.GetFiles(Path.Combine(cluster.Folder, "clusteraspire")));
    }

    [Theory]
    [InlineData("status")]
    [InlineData("reload")]
    [InlineData("scale", "3")]
    [InlineData("stop")]
    [InlineData("logs")]
    [InlineData("events")]
    public async Task With_none_running_each_command_says_so(params string[] command)
    {
        Requires.Linux();
        var folder = Directory.CreateTempSubdirectory("clusteraspire-none-").FullName;

        var (exitCode, told) = await RunnerProcess.RunAsync([.. command, "--name", "none-of-that-name"], ("XDG_RUNTIME_DIR", folder));

        Assert.Equal(1, exitCode);
        Assert.Equal(["No cluster called none-of-that-name of this user is running: clusteraspire run starts one."], told.Errors);
        Directory.Delete(folder);
    }

    [Fact]
    public async Task Several_are_told_apart()
    {
        await using var one = new PlainCluster();
        await using var other = new PlainCluster();
        one.Write(new { }, new { replicas = 1 });
        other.Write(new { }, new { replicas = 1 });
        await one.StartAsync();
        await using var second = RunnerProcess.Start(["run", "--config", Path.Combine(other.Folder, "clusteraspire.json")], one.RuntimeDirectory);
        await second.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the other serves");

        var (exitCode, told) = await one.TellAsync("status");
        Assert.Equal(1, exitCode);
        Assert.EndsWith(": say which by --port or --name.", Assert.Single(told.Errors), StringComparison.Ordinal);
        Assert.Contains($"\"pid\":{second.Pid},", Assert.Single(await one.DoAsync("status", "--json", "--port", $"{other.Port}")), StringComparison.Ordinal);
    }
}
