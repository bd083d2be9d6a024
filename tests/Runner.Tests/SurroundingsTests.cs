using System.Net;

namespace ClusterAspire.Runner.Tests;

/// <summary>What goes wrong around a cluster costs no more than it must.</summary>
public sealed class SurroundingsTests
{
    private const long Long = 3_000_000_000;

    // What the shell is told runs with its output where it says.
    private static readonly string[] FullDisk = ["sh", "-c", "exec \"$@\" > /dev/full", "sh"];
    private static readonly ProcessesUnderTest Processes = new();
    private static readonly (string, string) LogsEveryRequest = ("Logging__LogLevel__Microsoft.AspNetCore", "Information");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_disk_below_the_output_costs_output_only()
    {
        await using var cluster = Cluster.BeginWithin(FullDisk, Processes, 2, null, LogsEveryRequest);
        var victim = (await cluster.ServesAsync(2))[1];

        cluster.Kill(victim);

        await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        await AnswersAsync(cluster, 2000);
        await EndsAsync(cluster);
    }

    [Fact]
    public async Task Output_that_nobody_reads_keeps_nobody_waiting()
    {
        var fifo = Path.Combine(Path.GetTempPath(), $"clusteraspire-{Guid.NewGuid():n}");
        // Open for reading too, so that it is only full, and not broken.
        await using var cluster = Cluster.BeginWithin(["sh", "-c", $"mkfifo {fifo} && exec \"$@\" 3<> {fifo} > {fifo}", "sh"], Processes, 2, null, LogsEveryRequest);
        try
        {
            var victim = (await cluster.ServesAsync(2))[0];
            await AnswersAsync(cluster, 3000);

            cluster.Kill(victim);

            await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
            await AnswersAsync(cluster, 1000);
            await EndsAsync(cluster);
        }
        finally
        {
            File.Delete(fifo);
        }
    }

    [Theory]
    [InlineData(Unix.SigQuit)]
    [InlineData(Unix.SigTerm)]
    public async Task A_signal_to_all_of_them_is_one_drain(int signal)
    {
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 2, ["--drain-timeout", "80"]);
        var inFlight = Enumerable.Range(0, 2).Select(_ => cluster.SlowAsync(Long, Cancelled)).ToList();
        await cluster.ReplicasAsync(all => all.All(replica => replica.ComputeInFlight is 1), "each has its request");
        // In the worst order the Runner is the last to hear.
        foreach (var child in Unix.Children(cluster.Runner.Pid))
        {
            Unix.Signal(child, signal);
        }

        cluster.Runner.Signal(signal);

        foreach (var response in await Eventually.InTimeAsync(Task.WhenAll(inFlight)))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(0, await cluster.Runner.ExitAsync());
    }

    [Fact]
    public async Task A_closed_terminal_is_one_drain_though_it_may_say_so_twice()
    {
        // script(1) is the terminal: with it ends what the Runner's session belongs to.
        await using var cluster = Cluster.BeginWithin(["sh", "-c", "exec script -qc \"exec $*\" /dev/null", "sh"], Processes, 1, ["--drain-timeout", "80"]);
        await cluster.ServesAsync(1);
        var runner = Assert.Single(Unix.Children(cluster.Runner.Pid));
        int[] all = [runner, .. Unix.Children(runner)];
        var inFlight = cluster.SlowAsync(Long, Cancelled);
        await cluster.ReplicasAsync(all => all.All(replica => replica.ComputeInFlight is 1), "it computes");

        cluster.Runner.Signal(Unix.SigKill);
        // Sooner it would count as the same, whatever it is.
        await Task.Delay(TimeSpan.FromSeconds(1), Cancelled);
        if (TestProcess.IsRunning(runner))
        {
            Unix.Signal(runner, Unix.SigHup);
        }

        Assert.Equal(HttpStatusCode.OK, (await Eventually.InTimeAsync(inFlight)).StatusCode);
        await Eventually.IsTrueAsync(() => !all.Any(TestProcess.IsRunning), "all of it has drained");
    }

    [Fact]
    public async Task A_killed_start_script_takes_its_server_along_and_comes_back()
    {
        using var script = new ServiceScript("$serve\nexit $?");
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 1, script.Switches);
        var replica = (await cluster.ReplicasAsync())[0];
        var scripts = Unix.AllChildren(cluster.Runner.Pid).Where(child => Unix.Children(child).Contains(replica.Pid!.Value));

        Unix.Signal(Assert.Single(scripts), Unix.SigKill);

        var back = await cluster.ReplicaAsync(replica.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.NotEqual(replica.Pid, back.Pid);
        Assert.False(TestProcess.IsRunning(replica.Pid!.Value));
        Assert.Equal("replica-0", await cluster.FastAsync());
    }

    [Fact]
    public async Task A_stop_reaches_the_server_behind_a_start_script_and_lets_it_finish()
    {
        using var script = new ServiceScript("$serve\nexit $?");
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 1, [.. script.Switches, "--drain-timeout", "80"]);
        var server = (await cluster.ReplicasAsync())[0].Pid!.Value;
        var inFlight = cluster.SlowAsync(Long, Cancelled);
        await cluster.ReplicasAsync(all => all.All(replica => replica.ComputeInFlight is 1), "it computes");

        cluster.Runner.Signal(Unix.SigTerm);

        using var response = await Eventually.InTimeAsync(inFlight);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.False(TestProcess.IsRunning(server));
    }

    [Fact]
    public async Task A_killed_Runner_leaves_nothing_behind_whatever_the_service_is()
    {
        using var script = new ServiceScript("sleep 1000 &\n$serve &\nwait");
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 2, script.Switches);
        var all = Unix.AllChildren(cluster.Runner.Pid).SelectMany(child => (int[])[child, .. Unix.Descendants(child)]).ToList();
        // A guard, the balancer, and for each replica the script, its server and its sleep.
        Assert.Equal(8, all.Count);

        cluster.Runner.Signal(Unix.SigKill);
        await cluster.Runner.ExitAsync();

        await Eventually.IsTrueAsync(() => !all.Any(TestProcess.IsRunning), "all of it is gone");
    }

    [Fact]
    public async Task The_environment_decides_neither_where_anything_listens_nor_how_it_is_reached()
    {
        var taken = FreePort.Next();
        await using var cluster = await Cluster.StartAsync(
            Processes,
            replicas: 2,
            null,
            ("HTTP_PROXY", $"http://127.0.0.1:{FreePort.Next()}"),
            ("ALL_PROXY", $"http://127.0.0.1:{FreePort.Next()}"),
            ("URLS", $"http://127.0.0.1:{taken}"),
            ("DOTNET_URLS", $"http://127.0.0.1:{taken}"),
            ("ASPNETCORE_HTTP_PORTS", $"{taken}"),
            ("Kestrel__Endpoints__Http__Url", $"http://127.0.0.1:{taken}"));

        await cluster.Runner.LineAsync(
            line => line.StartsWith("The environment's ASPNETCORE_HTTP_PORTS, DOTNET_URLS, Kestrel__Endpoints__Http__Url, URLS are ignored: ", StringComparison.Ordinal), "it is said");
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri($"http://127.0.0.1:{taken}"), Cancelled));
        // What the Runner tells the live page goes there too.
        cluster.Kill((await cluster.ReplicasAsync())[0]);
        await cluster.ReplicaAsync("replica-0", replica => replica is { State: "ready", Restarts: 1 }, "it is back");
    }

    [Fact]
    public async Task Settings_of_the_service_do_not_move_its_replicas()
    {
        var taken = FreePort.Next();
        using var script = new ServiceScript("exec $serve");
        // A replica looks for it in the folder of its program.
        await File.WriteAllTextAsync(
            Path.Combine(Path.GetDirectoryName(script.Path)!, "appsettings.json"),
            $$"""{ "Urls": "http://127.0.0.1:{{taken}}", "Kestrel": { "Endpoints": { "Http": { "Url": "http://127.0.0.1:{{taken}}" } } } }""",
            Cancelled);

        await using var cluster = await Cluster.StartAsync(Processes, replicas: 2, script.Switches);

        Assert.Equal(HttpStatusCode.OK, (await cluster.Client.GetAsync("/fast", Cancelled)).StatusCode);
    }

    [Fact]
    public async Task A_service_that_answers_to_other_names_only_serves()
    {
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 2, null, ("AllowedHosts", "shop.example"));

        // Probes are answered whatever name they are sent to; requests go by the name that the client used.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/fast") { Headers = { Host = "shop.example" } };
        using var response = await cluster.Client.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_replica_that_hangs_at_its_start_is_replaced_and_the_others_serve_meanwhile()
    {
        using var script = new ServiceScript("[ $Replica__Name = replica-1 ] && mkdir $here/once 2> /dev/null && sleep 1000\nexec $serve");
        await using var cluster = Cluster.Begin(Processes, 2, [.. script.Switches, "--start-timeout", "20"]);

        await cluster.Runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");

        Assert.Equal("replica-0", await cluster.FastAsync());
        await cluster.Runner.LineAsync(line => line.StartsWith("replica-1 (pid ", StringComparison.Ordinal) && line.Contains("/alive for 20 s (Connection refused): killing it", StringComparison.Ordinal), "it is killed");
        await cluster.ServesAsync(2);
    }

    [Fact]
    public async Task A_replica_that_hangs_later_is_replaced_and_its_requests_are_answered_by_others()
    {
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 2, ["--liveness-timeout", "20"]);
        var victim = (await cluster.ReplicasAsync())[1];
        cluster.Freeze(victim);

        var requests = Enumerable.Range(0, 8).Select(_ => cluster.Client.GetAsync("/fast", Cancelled)).ToList();

        foreach (var response in await Eventually.InTimeAsync(Task.WhenAll(requests)))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await cluster.Runner.LineAsync(line => line.StartsWith($"replica-1 (pid {victim.Pid}) was killed, as it hung; ", StringComparison.Ordinal), "it is killed");
        await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
    }

    [Fact]
    public async Task A_crash_loop_is_a_state_and_not_a_stream_of_lines()
    {
        using var script = new ServiceScript("[ $Replica__Name = replica-1 ] || exec $serve\necho 'connection string missing' >&2\nexit 7");
        await using var cluster = Cluster.Begin(Processes, 2, script.Switches);

        await cluster.Runner.LineAsync(
            line => line.StartsWith("replica-1 is in a crash loop: it has ended 5 times in a row; the last time it exited with code 7 and its last words were: connection string missing.", StringComparison.Ordinal),
            "it is said");

        await cluster.Runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");
        Assert.Equal("replica-0", await cluster.FastAsync());
    }

    [Fact]
    public async Task A_core_that_is_taken_away_is_made_do_without_and_taken_back()
    {
        using var cpuset = new Cpuset();
        await using var cluster = Cluster.BeginWithin(cpuset.Enter, Processes, 2);
        var before = await cluster.ServesAsync(2);
        var victim = before.Single(replica => replica.Core == cpuset.Cores[1]);

        cpuset.Allow(cpuset.Cores[0]);
        cluster.Kill(victim);

        await cluster.Runner.LineAsync(line => line == $"Core {victim.Core} can no longer be used, only {cpuset.Cores[0]}: {victim.Name} starts on core {cpuset.Cores[0]} instead.", "it is said");
        var moved = await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.Equal(cpuset.Cores[0], moved.Core);

        cpuset.Allow(cpuset.Cores[0], cpuset.Cores[1]);
        cluster.Kill(moved);

        var back = await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 2 }, "it is back again");
        Assert.Equal(victim.Core, back.Core);
        await EndsAsync(cluster);
    }

    [Fact]
    public async Task A_replica_that_pins_itself_makes_do_without_its_core_too()
    {
        using var cpuset = new Cpuset();
        cpuset.Allow(cpuset.Cores[0]);
        using var script = new ServiceScript($"export Replica__Pin=true Replica__Core={cpuset.Cores[1]}\nexec $serve");

        await using var cluster = Cluster.BeginWithin(cpuset.Enter, Processes, 1, [.. script.Switches, "--no-pin"]);

        Assert.Equal(cpuset.Cores[0], Assert.Single(await cluster.ServesAsync(1)).Core);
        await cluster.Runner.LineAsync(line => line.EndsWith($"Core {cpuset.Cores[1]} can no longer be used: running on core {cpuset.Cores[0]} instead.", StringComparison.Ordinal), "it is said");
        await EndsAsync(cluster);
    }

    [Theory]
    [InlineData("ip link set lo up && sysctl -q -w net.ipv6.conf.lo.disable_ipv6=1", "http://127.0.0.1:")]
    [InlineData("ip link set lo up && ip address del 127.0.0.1/8 dev lo", "http://[::1]:")]
    public async Task One_address_family_is_enough(string network, string url)
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("unshare", "--net", "sh", "-c", network), "This user cannot make networks.");
        await using var cluster = Cluster.BeginWithin(["unshare", "--net", "sh", "-c", $"{network} && exec \"$@\"", "sh"], Processes, 1, ["--standby"]);

        await cluster.Runner.LineAsync(line => line.Contains($"service    {url}", StringComparison.Ordinal), "it serves there");
        await EndsAsync(cluster);
    }

    [Fact]
    public async Task Without_any_network_the_reason_is_said()
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("unshare", "--net", "true"), "This user cannot make networks.");
        await using var cluster = Cluster.BeginWithin(["unshare", "--net", "sh", "-c", "ip link set lo up && ip address flush dev lo && exec \"$@\"", "sh"], Processes, 1);

        Assert.Equal(1, await cluster.Runner.ExitAsync());

        var error = Assert.Single(cluster.Runner.Errors);
        Assert.StartsWith("No port can be listened at (Cannot assign requested address): ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_built_by_one_user_runs_elsewhere_for_another()
    {
        Requires.Linux();
        Assert.SkipUnless(Environment.UserName is "root", "Only root can become another user.");
        var folder = Directory.CreateTempSubdirectory("clusteraspire-elsewhere-").FullName;
        try
        {
            foreach (var (command, arguments) in ((string, string[])[])[("cp", ["-r", $"{AppContext.BaseDirectory}.", folder]), ("chmod", ["-R", "a+rX", folder])])
            {
                Assert.Equal(0, TestProcess.Run(command, arguments).ExitCode);
            }

            var (port, adminPort) = Cluster.FreePorts();
            // Neither the sources nor the package cache are there for that user.
            await using var runner = RunnerProcess.StartElsewhere(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/nonexistent", "ASPNETCORE_ENVIRONMENT=Development"],
                Path.Combine(folder, "ClusterAspire.Runner.dll"),
                ["--runtime", "process", "--replicas", "1", "--port", $"{port}", "--admin-port", $"{adminPort}"]);
            await runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");

            using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{adminPort}") };
            foreach (var file in (string[])["/", "/live.css", "/_framework/blazor.web.js"])
            {
                Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(file, Cancelled)).StatusCode);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_full_temporary_folder_costs_long_bodies_only_and_a_remounted_one_nothing()
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("unshare", "--mount", "true"), "This user cannot mount.");
        var folder = Directory.CreateTempSubdirectory("clusteraspire-full-").FullName;
        await using var cluster = Cluster.BeginWithin(
            ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs \"$0\" && head -c 100000 /dev/zero > \"$0/full\" 2> /dev/null; exec \"$@\"", folder],
            Processes,
            2,
            ["--service", Path.Combine(AppContext.BaseDirectory, "ClusterAspire.LedgerService.dll")],
            ("TMPDIR", folder));
        var victim = (await cluster.ServesAsync(2))[0];

        Assert.Equal(HttpStatusCode.OK, (await PostAsync("", 1000)).StatusCode);
        // A replica keeps a long body as well: the balancer passes on what came at once.
        await IsRefusedAsync("");
        await IsRefusedAsync(victim.Address.OriginalString);

        Assert.Equal(0, TestProcess.Run("nsenter", ["--target", $"{cluster.Runner.Pid}", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder]).ExitCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("", 200_000)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(victim.Address.OriginalString, 200_000)).StatusCode);
        cluster.Kill(victim);
        await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("", 1000)).StatusCode);
        await EndsAsync(cluster);
        Directory.Delete(folder);

        async Task IsRefusedAsync(string to)
        {
            using var refused = await PostAsync(to, 200_000);
            var said = await refused.Content.ReadAsStringAsync(Cancelled);
            Assert.True(refused.StatusCode is HttpStatusCode.ServiceUnavailable, $"{refused.StatusCode} {said}");
            Assert.Contains("No space left on device", said, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        }

        Task<HttpResponseMessage> PostAsync(string to, int length) =>
            cluster.Client.PostAsync(to.TrimEnd('/') + "/digest", new ByteArrayContent(new byte[length]), Cancelled);
    }

    [Fact]
    public async Task Without_descriptors_new_clients_wait_those_that_are_there_are_served_and_the_admin_port_answers()
    {
        const int Clients = 300;
        Requires.Linux();
        await using var cluster = await Cluster.StartAsync(Processes, replicas: 2);
        await AnswersAsync(cluster, 20);
        var limit = Directory.GetFiles($"/proc/{cluster.LoadBalancer}/fd").Length + (Clients / 2);
        Assert.Equal(0, TestProcess.Run("prlimit", ["--pid", $"{cluster.LoadBalancer}", $"--nofile={limit}:{limit}"]).ExitCode);

        List<System.Net.Sockets.TcpClient> idle = [];
        try
        {
            for (var i = 0; i < Clients; i++)
            {
                var client = new System.Net.Sockets.TcpClient();
                idle.Add(client);
                await client.ConnectAsync(cluster.Url.Host, cluster.Url.Port, Cancelled);
            }

            await cluster.Runner.LineAsync(line => line.Contains($"Few file descriptors are left of {limit}", StringComparison.Ordinal), "it is said");
            await AnswersAsync(cluster, 200);
            using var operators = new HttpClient { BaseAddress = cluster.Admin.BaseAddress };
            Assert.Equal(HttpStatusCode.OK, (await operators.GetAsync("/api/replicas", Cancelled)).StatusCode);
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }

        using var next = new HttpClient { BaseAddress = cluster.Url };
        Assert.Equal(HttpStatusCode.OK, (await next.GetAsync("/fast", Cancelled)).StatusCode);
        Assert.All(await cluster.ReplicasAsync(), replica => Assert.Equal(0, replica.Restarts));
        await EndsAsync(cluster);
    }

    private static async Task AnswersAsync(Cluster cluster, int requests)
    {
        foreach (var some in Enumerable.Range(0, requests).Chunk(20))
        {
            await Eventually.InTimeAsync(Task.WhenAll(some.Select(_ => cluster.FastAsync())));
        }
    }

    private static async Task EndsAsync(Cluster cluster)
    {
        var children = Unix.Children(cluster.Runner.Pid);
        cluster.Runner.Signal(Unix.SigTerm);
        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.DoesNotContain(children, TestProcess.IsRunning);
    }
}
