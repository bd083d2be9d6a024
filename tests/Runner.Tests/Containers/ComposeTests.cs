using System.Net.Http.Json;

namespace ClusterAspire.Runner.Tests;

/// <summary>The file compose.yaml, and with it both targets of the Dockerfile.</summary>
public sealed class ComposeTests : IDisposable
{
    private readonly string _project = $"test{Guid.NewGuid():n}"[..20];
    private string[]? _compose;

    public void Dispose()
    {
        if (_compose is not null)
        {
            Compose("down", "--timeout", "1", "--volumes");
        }
    }

    [Fact]
    public async Task Compose_brings_up_the_balancer_and_a_replica_on_each_core()
    {
        Engine.SkipWhereMissing();
        Requires.That(Environment.ProcessorCount >= 2, "compose.yaml pins two replicas to two cores.");
        string[][] commands = [["docker", "compose"], ["docker-compose"]];
        _compose = Array.Find(commands, command => Engine.IsInstalled(command[0], [.. command[1..], "version"]));
        Requires.That(_compose is not null, "Compose is not installed.");
        var (port, adminPort) = Cluster.FreePorts();
        Environment.SetEnvironmentVariable("PORT", $"{port}");
        Environment.SetEnvironmentVariable("ADMIN_PORT", $"{adminPort}");
        Environment.SetEnvironmentVariable("ADMIN_TOKEN", "the-token-of-this-test");

        var (exitCode, output) = Compose("up", "--detach", "--build");
        Assert.True(exitCode is 0, output);
        using var client = new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", "the-token-of-this-test") } };
        var replicas = await Eventually.BecomesAsync(
            async () => await ReplicasAsync(client, adminPort),
            replicas => replicas.Count is 2 && replicas.All(replica => replica.State is "ready"),
            "both replicas are ready");

        Assert.Equal([("replica-0", 0), ("replica-1", 1)], replicas.Select(replica => (replica.Name, replica.Core!.Value)));
        Assert.All(replicas, replica => Assert.Equal(1, replica.Slots));
        Assert.Equal("fast\n", await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/fast"), TestContext.Current.CancellationToken));
        foreach (var container in Engine.Run("ps", "--quiet", "--filter", $"label=com.docker.compose.project={_project}").Split('\n'))
        {
            var inspected = Engine.Inspect(container);
            Assert.Equal("1654", inspected.GetProperty("Config").GetProperty("User").GetString());
            Assert.True(inspected.GetProperty("HostConfig").GetProperty("ReadonlyRootfs").GetBoolean());
            Assert.StartsWith("ClusterAspire ", inspected.GetProperty("Config").GetProperty("Labels").GetProperty("org.opencontainers.image.title").GetString(), StringComparison.Ordinal);
        }
    }

    private static async Task<IReadOnlyList<Replica>> ReplicasAsync(HttpClient client, int adminPort)
    {
        try
        {
            return (await client.GetFromJsonAsync<List<Replica>>(new Uri($"http://127.0.0.1:{adminPort}/api/replicas"), TestContext.Current.CancellationToken))!;
        }
        catch (HttpRequestException)
        {
            return [];
        }
    }

    private (int ExitCode, string Output) Compose(params string[] arguments)
    {
        var (exitCode, output, errors) = TestProcess.Run(_compose![0], [.. _compose[1..], "--file", Path.Combine(BuiltProgram.Source, "compose.yaml"), "--project-name", _project, .. arguments]);
        return (exitCode, output + errors);
    }
}
