using System.Text.Json;
using ClusterAspire.Contract;

namespace ClusterAspire.Aspire.Tests;

/// <summary>The AppHost with <c>--runtime container</c>: replicas are containers that Aspire runs on Docker.</summary>
public sealed class ContainerClusterTests(ContainerClusterTests.AppHost appHost) : IClassFixture<ContainerClusterTests.AppHost>
{
    [Fact]
    public async Task A_container_is_confined_to_its_core_and_told_what_a_process_is()
    {
        Requires.That(appHost.Missing is null, appHost.Missing ?? "");
        Assert.Equal("fast", (await appHost.Client.GetStringAsync("/fast")).Trim());
        foreach (var replica in await appHost.ReplicasAsync())
        {
            var host = Inspect(replica.Container!).GetProperty("HostConfig");
            Assert.Equal($"{replica.Core}", host.GetProperty("CpusetCpus").GetString());
            Assert.True(host.GetProperty("ReadonlyRootfs").GetBoolean());
            Assert.Equal("ALL", Assert.Single(host.GetProperty("CapDrop").EnumerateArray()).GetString());
            Assert.Contains("no-new-privileges", host.GetProperty("SecurityOpt").EnumerateArray().Select(option => option.GetString()));
            Assert.Equal(200 << 20, host.GetProperty("Memory").GetInt64());
        }
    }

    [Fact]
    public async Task A_container_that_is_killed_returns()
    {
        Requires.That(appHost.Missing is null, appHost.Missing ?? "");
        var before = (await appHost.ReplicasAsync()).Single(replica => replica.Name == "replica-0").Container!;
        Docker("kill", before);
        await Eventually.IsTrueAsync(
            async () => (await appHost.ReplicasAsync()).Single(replica => replica.Name == "replica-0") is { State: ReplicaState.Ready, Container: { } now } && now != before,
            "replica-0 is back in another container");
        Assert.Equal("fast", (await appHost.Client.GetStringAsync("/fast")).Trim());
    }

    private static JsonElement Inspect(string container) => JsonDocument.Parse(Docker("inspect", container)).RootElement[0];

    private static string Docker(params string[] arguments)
    {
        var (exitCode, output, errors) = TestProcess.Run("docker", arguments);
        Assert.True(exitCode == 0, errors);
        return output;
    }

    /// <summary>The AppHost, where Docker answers and has base images to build on.</summary>
    public sealed class AppHost : AppHostProcess
    {
        protected override string[] Switches => ["--replicas", "2", "--runtime", "container", "--memory", "200m"];

        // An image is compiled ahead of time first.
        protected override TimeSpan StartLimit => TimeSpan.FromMinutes(8);

        public override string? Missing { get; } = Environment.GetEnvironmentVariable("Cluster__Build__Args__SDK_IMAGE") is null
            ? "There are no base images: .ci/base-images makes them."
            : null;
    }
}
