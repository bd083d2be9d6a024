using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Runner.Tests;

/// <summary>A mistake is one sentence that says what to change, and exit code 1.</summary>
public sealed class MistakesTests
{
    [Theory]
    [InlineData("--replcas 3", "'--replcas'")]
    [InlineData("--replicas", "'--replicas'")]
    [InlineData("--replicas many", "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not 'many'.")]
    [InlineData("--replicas 0", "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not '0'.")]
    [InlineData("--port abc", "--port (Cluster:Port) must be a whole number, not 'abc'.")]
    [InlineData("--port 70000", "--port (Cluster:Port) must be from 1 to 65535, not '70000'.")]
    [InlineData("--port 9000 --admin-port 9000", "--admin-port (Cluster:AdminPort) must be another port than --port (Cluster:Port), not '9000'.")]
    [InlineData("--runtime vm", "--runtime (Cluster:Runtime) must be auto or process or container, not 'vm'.")]
    [InlineData("--drain-timeout -1", "--drain-timeout (Cluster:DrainTimeout) must be from 0 to 3600 seconds, not '-1'.")]
    [InlineData("--restart-memory 512m --runtime container", "--restart-memory (Cluster:RestartMemory) looks at processes, not containers: leave it out and limit each container by --memory, or choose --runtime process.")]
    [InlineData("--standby --runtime container", "--standby (Cluster:Standby) keeps processes waiting, not containers: leave it out, or choose --runtime process.")]
    [InlineData("--aot --runtime container", "--aot (Cluster:Aot) compiles what runs as processes, and the Dockerfile compiles what runs in containers: leave it out, or choose --runtime process.")]
    [InlineData("--aot --service Shop.dll", "--aot (Cluster:Aot) compiles a project, and Shop.dll is none: name the service's project, or leave it out.")]
    [InlineData("--service missing.dll", "missing.dll does not exist: build it, or name another built service by --service (Cluster:Service).")]
    public async Task A_wrong_switch(string arguments, string sentence) =>
        AssertExplained(sentence, await RunnerProcess.RunAsync(arguments.Split(' ')));

    [Theory]
    [InlineData("Cluster__Replicas", "abc", "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not 'abc'.")]
    [InlineData("Cluster__AdminPort", "", "--admin-port (Cluster:AdminPort) must be a whole number, not ''.")]
    [InlineData("Cluster__Replica", "2", "Cluster:Replica is not an option: ")]
    public async Task A_wrong_variable_of_the_environment(string name, string value, string sentence) =>
        AssertExplained(sentence, await RunnerProcess.RunAsync([], (name, value)));

    [Fact]
    public async Task A_switch_overrides_the_environment() =>
        AssertExplained("not '70001'", await RunnerProcess.RunAsync(["--port", "70001"], ("Cluster__Port", "70002")));

    [Theory]
    [InlineData("--port", "--admin-port")]
    [InlineData("--admin-port", "--port")]
    public async Task A_taken_port(string taken, string other)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var result = await RunnerProcess.RunAsync([taken, $"{port}", other, $"{Cluster.FreePorts().Port}"]);

        AssertExplained($"Port {port} is taken by another program: choose another by {taken} ", result);
        Assert.DoesNotContain(result.Runner.Output, line => line.StartsWith("replica-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_load_balancer_that_cannot_run()
    {
        Requires.Linux();
        await using var cluster = Cluster.Begin(new ProcessesUnderTest(), 1, environment: ("LoadBalancer__RetryRatio", "7"));

        Assert.Equal(1, await cluster.Runner.ExitAsync());
        Assert.StartsWith("The load balancer cannot run; the last it said was: ", Assert.Single(cluster.Runner.Errors), StringComparison.Ordinal);
        Assert.Contains("RetryRatio", cluster.Runner.Errors.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_that_cannot_start_says_why_and_is_tried_again()
    {
        Requires.Linux();
        await using var cluster = Cluster.Begin(new ProcessesUnderTest(), 1, environment: ("ComputeLane__Threads", "-3"));

        await cluster.Runner.LineAsync(line => line.StartsWith("replica-0 | ", StringComparison.Ordinal) && line.Contains("ComputeLane:Threads must be", StringComparison.Ordinal), "its own words are shown");
        await cluster.Runner.LineAsync(line => line.EndsWith("exited with code 1; restarting in 400 ms", StringComparison.Ordinal), "it is tried again");
        await cluster.Runner.LineAsync(line => line.StartsWith("replica-0 has ended 3 times before it answered ", StringComparison.Ordinal), "it is said what is wrong");
        Assert.False(cluster.Runner.HasExited);
    }

    [Fact]
    public async Task Help_lists_the_switches()
    {
        var (exitCode, runner) = await RunnerProcess.RunAsync(["--help"]);

        Assert.Equal(0, exitCode);
        foreach (var name in (string[])["--replicas", "--port", "--admin-port", "--runtime", "--no-pin", "--standby", "--aot", "--service", "--drain-timeout"])
        {
            Assert.Contains(runner.Output, line => line.Contains(name, StringComparison.Ordinal));
        }
    }

    private static void AssertExplained(string sentence, (int ExitCode, RunnerProcess Runner) result)
    {
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(sentence, Assert.Single(result.Runner.Errors), StringComparison.Ordinal);
    }
}
