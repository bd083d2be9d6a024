using System.Net;
using System.Net.WebSockets;
using System.Text.Json;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>What a running cluster can be told.</summary>
public sealed class ControlTests
{
    private const int MostRequests = 60_000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

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
        Assert.DoesNotContain(before, TestProcess.IsRunning);
    }

    [Fact]
    public async Task Nothing_is_lost_when_the_load_balancer_is_replaced_and_nobody_is_refused_while_it_is_away()
    {
        await using var cluster = new PlainCluster();
        // Less than the slow one takes: it has that long once more.
        cluster.Write(new { }, new { drainTimeout = 3 });
        await cluster.StartAsync();
        var replicas = await cluster.PidsAsync();
        var first = Balancer(cluster);
        var load = new MixedLoad(cluster.Client.BaseAddress!);
        load.Start();
        await load.GoesOnAsync(100);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = cluster.Client.BaseAddress, Timeout = Eventually.Limit };
        var slow = cluster.GetAsync("/wait?ms=4000", client);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(cluster.Client.BaseAddress!) { Scheme = "ws", Path = "/echo" }.Uri, TestContext.Current.CancellationToken);
        using var enough = new CancellationTokenSource();
        var multiplexed = GetByHttp2Async(cluster, enough.Token);

        var replacing = cluster.DoAsync("reload", "loadbalancer");
        await cluster.Runner.LineAsync(line => line.StartsWith("loadbalancer was replaced: ", StringComparison.Ordinal), "another accepts");
        await EchoAsync(socket);
        await load.GoesOnAsync(200);

        Assert.Equal("waited", await slow);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        Assert.Equal(["The load balancer was replaced."], await replacing);
        var second = Balancer(cluster);
        Assert.NotEqual(first, second);
        Assert.False(TestProcess.IsRunning(first));

        // One that does not start leaves that of before as it is.
        cluster.Write(new { }, new { drainTimeout = 3, loadBalancer = new { retryLimit = -1 } });
        var (exitCode, failed) = await cluster.TellAsync("reload", "loadbalancer");
        Assert.Equal((1, 1), (exitCode, failed.Errors.Count(error => error.StartsWith("Reloading stopped, those before go on: The new loadbalancer exited with code 1", StringComparison.Ordinal))));
        Assert.Equal(second, Balancer(cluster));

        // A reload takes up its settings too.
        cluster.Write(new { }, new { drainTimeout = 3, loadBalancer = new { replicaHeader = false } });
        Assert.Equal(["2 replicas and the load balancer were replaced."], await cluster.DoAsync("reload"));
        using (var plain = await client.GetAsync("/", TestContext.Current.CancellationToken))
        {
            Assert.False(plain.Headers.Contains("X-Replica"));
        }

        // One replica alone.
        replicas = await cluster.PidsAsync();
        Assert.Equal(["replica-1 was replaced."], await cluster.DoAsync("reload", "replica-1"));
        Assert.Single(replicas.Intersect(await cluster.PidsAsync()));
        await load.GoesOnAsync(100);
        await load.EndAsync();
        await enough.CancelAsync();
        Assert.All(await multiplexed, status => Assert.Equal(HttpStatusCode.OK, status));

        // Clients that come while there is none wait.
        var killed = Balancer(cluster);
        Unix.Signal(killed, Unix.SigKill);
        await cluster.Runner.LineAsync(line => line == $"loadbalancer (pid {killed}) exited with code 137; restarting at once", "it has ended");
        Assert.Equal(2, (await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => cluster.PidsAsync(isNew: true)))).SelectMany(pids => pids).Distinct().Count());
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
    public async Task Ctrl_Z_does_not_leave_replicas_alone()
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("perl", "-v"), "Perl is not installed.");
        await using var cluster = new PlainCluster();
        // A process group as a shell makes it: no other can be suspended (setpgid(2)).
        await cluster.StartAsync("perl", "-e", "if (!fork) { setpgrp; exec @ARGV } wait");
        var replica = (await cluster.PidsAsync()).First();

        Unix.Signal(Assert.Single(Unix.Children(cluster.Runner.Pid)), Unix.SigTstp);
        Unix.Signal(replica, Unix.SigKill);

        await cluster.Runner.LineAsync(line => line.Contains($"(pid {replica}) exited with code 137", StringComparison.Ordinal), "it is noticed");
        await Eventually.IsTrueAsync(async () => await cluster.PidsAsync() is { Count: 2 } pids && !pids.Contains(replica), "it is started again");
    }

    [Fact]
    public async Task A_release_is_switched_by_its_link()
    {
        await using var cluster = new PlainCluster();
        var link = Path.Combine(cluster.Folder, "current");
        foreach (var release in (string[])["1", "2"])
        {
            Assert.Equal(0, TestProcess.Run("cp", "-r", Path.GetDirectoryName(PlainCluster.Program)!, Path.Combine(cluster.Folder, release)).ExitCode);
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
        Assert.Equal("600 700", TestProcess.Run("stat", "-c", "%a", socket, Path.GetDirectoryName(socket)!).Output.Trim().Replace('\n', ' '));
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

        await OverHttpAsync(cluster, pid);

        var slow = cluster.GetAsync("/wait?ms=2000");
        await cluster.DoAsync("stop");
        Assert.Equal("waited", await slow);
        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.Empty(Directory.GetFiles(Path.Combine(cluster.Folder, "clusteraspire")));
    }

    // What the live page's buttons do, and what is counted of it.
    private static async Task OverHttpAsync(PlainCluster cluster, int killed)
    {
        using var admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new($"http://127.0.0.1:{cluster.AdminPort}"), Timeout = Eventually.Limit };
        Assert.Equal((HttpStatusCode.OK, "3 replicas serve."), await PostAsync("scale/+1"));
        Assert.Equal((HttpStatusCode.OK, "2 replicas serve."), await PostAsync("scale/-1"));
        Assert.Equal((HttpStatusCode.OK, "replica-0 was replaced."), await PostAsync("reload/replica-0"));
        Assert.Equal((HttpStatusCode.Conflict, "The number of replicas must be N, +N, -N or auto, not 'many'."), await PostAsync("scale/many"));
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync("reload/replica-7")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync("reload", origin: "http://elsewhere.example")).Status);
        Assert.DoesNotContain(killed, await cluster.PidsAsync());

        (string Name, string Attribute, string Value)[] wanted =
        [
            ("reloads_total", "", "1"),
            ("reloads_total", "error_type=\"stopped\"", "1"),
            ("restarts_total", "clusteraspire_restart_reason=\"reload\",service_instance_id=\"replica-0\"", "1"),
            ("restarts_total", "clusteraspire_restart_reason=\"exit\"", "1"),
            ("crash_loops", "", "0"),
        ];
        await Eventually.IsTrueAsync(
            async () =>
            {
                var metrics = (await admin.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n');
                return Array.TrueForAll(wanted, figure => Array.Exists(metrics, line =>
                    line.StartsWith($"clusteraspire_supervisor_{figure.Name}", StringComparison.Ordinal)
                    && line.Contains(figure.Attribute, StringComparison.Ordinal)
                    && line.EndsWith($"}} {figure.Value}", StringComparison.Ordinal)));
            },
            "it is counted");

        async Task<(HttpStatusCode Status, string Said)> PostAsync(string path, string? origin = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/cluster/{path}");
            if (origin is not null)
            {
                request.Headers.Add("Origin", origin);
            }

            using var response = await admin.SendAsync(request, TestContext.Current.CancellationToken);
            var body = JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            return (response.StatusCode, body.GetProperty(response.IsSuccessStatusCode ? "text" : "detail").GetString()!);
        }
    }

    private static int Balancer(PlainCluster cluster) =>
        Unix.Children(cluster.Runner.Pid).Single(child => Unix.CommandLine(child).Contains("ClusterAspire.LoadBalancer", StringComparison.Ordinal));

    private static async Task EchoAsync(ClientWebSocket socket)
    {
        var buffer = new byte[16];
        await socket.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);
        var received = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        Assert.Equal("still here"u8, buffer.AsSpan(0, received.Count));
    }

    private static async Task<IReadOnlyCollection<HttpStatusCode>> GetByHttp2Async(PlainCluster cluster, CancellationToken enough)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = cluster.Client.BaseAddress,
            Timeout = Eventually.Limit,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        var statuses = new HashSet<HttpStatusCode>();
        for (var requests = 0; requests < MostRequests && !enough.IsCancellationRequested; requests++)
        {
            using var response = await client.PostAsync("/hash", new ByteArrayContent(new byte[1000]), TestContext.Current.CancellationToken);
            statuses.Add(response.StatusCode);
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }

        return statuses;
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
    public async Task Another_run_of_its_name_and_port_is_refused_until_it_has_ended()
    {
        await using var cluster = new PlainCluster();
        cluster.Write(new { }, new { replicas = 1, drainTimeout = 60, runtime = "process" });
        await cluster.StartAsync();
        var refusal = $"plain (--port {cluster.Port}) has not ended yet: clusteraspire stop ends it and returns when it has; another beside it needs another --port and --admin-port.";
        await RefusedAsync();
        await cluster.DoAsync("status");
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(cluster.Client.BaseAddress!) { Scheme = "ws", Path = "/echo" }.Uri, TestContext.Current.CancellationToken);

        cluster.Runner.Signal(Unix.SigTerm);
        await cluster.Runner.LineAsync(line => line.StartsWith("Draining: ", StringComparison.Ordinal), "it drains");
        // Its ports are free already.
        await RefusedAsync();
        await EchoAsync(socket);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        Assert.Equal(0, await cluster.Runner.ExitAsync());

        await using var next = RunnerProcess.Start(["run", "--config", Path.Combine(cluster.Folder, "clusteraspire.json")], cluster.RuntimeDirectory);
        await next.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the next one serves");
        Assert.Single(await cluster.PidsAsync());

        async Task RefusedAsync()
        {
            var (exitCode, second) = await cluster.TellAsync("run", "--config", Path.Combine(cluster.Folder, "clusteraspire.json"));
            Assert.Equal((1, refusal), (exitCode, Assert.Single(second.Errors)));
        }
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
