using System.Net;
using System.Text.Json;

namespace ClusterAspire.Runner.Tests;

/// <summary>All of it with containers, and what only containers have.</summary>
public sealed class ContainerClusterTests : ClusterTests, IDisposable
{
    private readonly ContainersUnderTest _containers = new();

    private protected override RuntimeUnderTest Runtime => _containers;

    // A test ends its Runner without warning, which leaves the containers.
    public void Dispose() => Engine.Remove(_containers.ClusterName);

    [Fact]
    public async Task Each_container_has_its_one_core_and_no_quota()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);

        foreach (var replica in await cluster.ReplicasAsync())
        {
            var container = Engine.Inspect(_containers.ContainerOf(replica));
            var host = container.GetProperty("HostConfig");
            Assert.Equal($"{replica.Core}", host.GetProperty("CpusetCpus").GetString());
            Assert.Equal((0, 0), (host.GetProperty("CpuQuota").GetInt64(), host.GetProperty("NanoCpus").GetInt64()));
            Assert.Equal(1, replica.Slots);
            Assert.Equal(container.GetProperty("Id").GetString()![..12], replica.Container);
            Assert.All(Status(container, "Cpus_allowed_list"), cores => Assert.Equal($"{replica.Core}", cores));
        }
    }

    [Fact]
    public async Task A_container_has_no_more_rights_than_serving_takes()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 1, ["--memory", "200m"]);

        var container = Engine.Inspect(Engine.ContainerOf(_containers.ClusterName, "replica-0"));

        var host = container.GetProperty("HostConfig");
        Assert.True(host.GetProperty("ReadonlyRootfs").GetBoolean());
        Assert.Contains(File.ReadLines($"/proc/{PidOf(container)}/mounts"), mount => mount.Split(' ') is [_, "/", _, var options, ..] && options.Split(',').Contains("ro"));
        Assert.Equal(200 << 20, host.GetProperty("Memory").GetInt64());
        Assert.All(host.GetProperty("PortBindings").EnumerateObject().SelectMany(port => port.Value.EnumerateArray()),
            binding => Assert.Equal("127.0.0.1", binding.GetProperty("HostIp").GetString()));
        Assert.All(Status(container, "Uid"), users => Assert.DoesNotContain("0", users.Split('\t')));
        Assert.All(Status(container, "CapEff"), capabilities => Assert.Equal("0000000000000000", capabilities));
        Assert.All(Status(container, "CapBnd"), capabilities => Assert.Equal("0000000000000000", capabilities));
        Assert.All(Status(container, "NoNewPrivs"), set => Assert.Equal("1", set));
    }

    [Fact]
    public async Task The_compute_lane_has_the_lowest_priority_in_a_container_too()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 1);

        var pid = PidOf(Engine.Inspect(Engine.ContainerOf(_containers.ClusterName, "replica-0")));

        // Field 41 of stat(5) is the policy, the 39th after the name; 5 is SCHED_IDLE.
        var lane = ThreadFiles.Read(pid, "stat").Single(stat => stat.Contains("(Compute lane", StringComparison.Ordinal));
        Assert.Equal("5", lane.Split(") ")[1].Split(' ')[38]);
    }

    [Fact]
    public async Task A_removed_container_is_replaced_as_a_killed_one_is()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var removed = Engine.ContainerOf(_containers.ClusterName, "replica-1");

        Engine.Run("rm", "--force", removed);

        await cluster.ReplicaAsync("replica-1", replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.NotEqual(removed, Engine.ContainerOf(_containers.ClusterName, "replica-1"));
    }

    [Theory]
    [InlineData(Unix.SigInt)]
    [InlineData(Unix.SigTerm)]
    public async Task No_container_is_left_after_the_end(int signal)
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        Assert.Equal(2, Engine.ContainersOf(_containers.ClusterName).Count);

        cluster.Runner.Signal(signal);

        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.Empty(Engine.ContainersOf(_containers.ClusterName));
    }

    [Fact]
    public async Task What_a_killed_AppHost_leaves_behind_is_removed_at_the_next_start()
    {
        var left = await LeaveContainersAsync();

        await using var next = await Cluster.StartAsync(Runtime, replicas: 1);

        Assert.Contains($"Removed 2 containers of {_containers.ClusterName} that a run before had left behind.", next.Runner.Output);
        Assert.DoesNotContain(Assert.Single(Engine.ContainersOf(_containers.ClusterName)), left);
    }

    [Fact]
    public async Task What_a_killed_AppHost_leaves_behind_is_removed_on_request()
    {
        await LeaveContainersAsync();

        var (exitCode, runner) = await RunnerProcess.RunAsync(["--clean", .. _containers.Switches]);

        Assert.Equal((0, $"Removed 2 containers of {_containers.ClusterName} that a run before had left behind."), (exitCode, Assert.Single(runner.Output)));
        Assert.Empty(Engine.ContainersOf(_containers.ClusterName));
    }

    [Fact]
    public async Task Containers_of_a_running_AppHost_stay()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 1);
        var container = Engine.ContainersOf(_containers.ClusterName);
        await using var other = await Cluster.StartAsync(Runtime, replicas: 1);

        var (exitCode, runner) = await RunnerProcess.RunAsync(["--clean", .. _containers.Switches]);

        Assert.Equal((0, $"No container of {_containers.ClusterName} was left behind."), (exitCode, Assert.Single(runner.Output)));
        Assert.Equal(2, Engine.ContainersOf(_containers.ClusterName).Count);
        Assert.Contains(Assert.Single(container), Engine.ContainersOf(_containers.ClusterName));
        await cluster.FastAsync();
        await other.FastAsync();
    }

    [Fact]
    public async Task An_unchanged_source_is_not_built_again_and_auto_takes_its_image()
    {
        Engine.SkipWhereMissing();
        var (port, adminPort) = Cluster.FreePorts();
        await using var runner = RunnerProcess.Start(["--runtime", "auto", "--replicas", "1", "--port", $"{port}", "--admin-port", $"{adminPort}", .. _containers.Switches]);

        await runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");

        Assert.Single(runner.Output, line => line.StartsWith("Replicas run as containers: ", StringComparison.Ordinal));
        Assert.DoesNotContain(runner.Output, line => line.StartsWith("image | ", StringComparison.Ordinal));
        Assert.Single(Engine.ContainersOf(_containers.ClusterName));
    }

    [Fact]
    public async Task Telemetry_reaches_a_collector_at_this_machines_loopback()
    {
        var (port, _) = Cluster.FreePorts();
        using var collector = new HttpListener { Prefixes = { $"http://127.0.0.1:{port}/" } };
        collector.Start();
        await using var cluster = await Cluster.StartAsync(
            Runtime,
            replicas: 2,
            environment:
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
            ]);

        var missing = new HashSet<string> { "replica-0", "replica-1" };
        while (missing.Count > 0)
        {
            var context = await Eventually.InTimeAsync(collector.GetContextAsync());
            using var body = new StreamReader(context.Request.InputStream, System.Text.Encoding.Latin1);
            var content = await body.ReadToEndAsync(TestContext.Current.CancellationToken);
            context.Response.Close();
            // From the containers, that is: the load balancer's names its destinations too.
            missing.RemoveWhere(name => content.Contains($"service.instance.id\u0012\u000b\n\u0009{name}", StringComparison.Ordinal));
        }
    }

    private async Task<IReadOnlyList<string>> LeaveContainersAsync()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        cluster.Runner.Signal(Unix.SigKill);
        await cluster.Runner.ExitAsync();
        var left = Engine.ContainersOf(_containers.ClusterName);
        Assert.Equal(2, left.Count);
        return left;
    }

    private static int PidOf(JsonElement container)
    {
        var pid = container.GetProperty("State").GetProperty("Pid").GetInt32();
        Assert.SkipUnless(Directory.Exists($"/proc/{pid}/task"), "The engine runs in a virtual machine, whose processes cannot be seen from here.");
        return pid;
    }

    // What the kernel says of each thread in the container.
    private static IEnumerable<string> Status(JsonElement container, string field) => ThreadFiles.Status(PidOf(container), field);
}
