using System.Reflection;
using System.Text.Json;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>clusteraspire.json.</summary>
public sealed class ClusterFileTests
{
    // What is for the command line alone, and what the file has other names for.
    private static readonly string[] NotInFiles = [nameof(ClusterOptions.Clean), nameof(ClusterOptions.Settings)];

    [Fact]
    public void Its_schema_knows_every_option_and_its_default()
    {
        var properties = JsonElement.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "clusteraspire.schema.json"))).GetProperty("properties");
        var defaults = new ClusterOptions();
        foreach (var option in typeof(ClusterOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(option => !NotInFiles.Contains(option.Name)))
        {
            Assert.True(properties.TryGetProperty(JsonNamingPolicy.CamelCase.ConvertName(option.Name), out var known), option.Name);
            if (known.TryGetProperty("default", out var value) && option.GetValue(defaults) is { } expected)
            {
                Assert.Equal($"{expected}", $"{value}", ignoreCase: true);
            }
        }
    }

    [Fact]
    public async Task Init_writes_one_that_run_understands()
    {
        var folder = Directory.CreateTempSubdirectory("clusteraspire-init-").FullName;
        try
        {
            var (exitCode, init) = await RunIn(folder, "init", "nowhere/Shop.dll");
            Assert.True(exitCode is 0, $"{init}");
            Assert.True(File.Exists(Path.Combine(folder, "clusteraspire.schema.json")));

            var (port, adminPort) = Cluster.FreePorts();
            var (failed, run) = await RunIn(folder, "run", "--port", $"{port}", "--admin-port", $"{adminPort}");
            Assert.Equal(1, failed);
            Assert.StartsWith($"{Path.Combine(folder, "nowhere", "Shop.dll")} does not exist: ", Assert.Single(run.Errors), StringComparison.Ordinal);

            Assert.Equal(1, (await RunIn(folder, "init")).ExitCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("""{ "replica": 2 }""", "Cluster:replica is not an option: ")]
    [InlineData("""{ "replicas": [2] }""", "--replicas (Cluster:Replicas) must be one value.")]
    [InlineData("""{ "environment": "A=1" }""", "Cluster:environment must be names with a value each, not 'A=1'.")]
    [InlineData("""{ "replicas": 2 """, "clusteraspire.json is no JSON: ")]
    public async Task A_mistake_in_it(string json, string sentence)
    {
        var folder = Directory.CreateTempSubdirectory("clusteraspire-file-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "clusteraspire.json"), json, TestContext.Current.CancellationToken);

            var (exitCode, run) = await RunIn(folder, "run", PlainCluster.Program);

            Assert.Equal(1, exitCode);
            Assert.Contains(sentence, Assert.Single(run.Errors), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Run_without_anything_to_run_says_what_to_name()
    {
        var folder = Directory.CreateTempSubdirectory("clusteraspire-empty-").FullName;
        var (exitCode, run) = await RunIn(folder, "run");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("Name what to run: clusteraspire run path/to/Your.dll, ", Assert.Single(run.Errors), StringComparison.Ordinal);
        Directory.Delete(folder);
    }

    private static async Task<(int ExitCode, RunnerProcess Runner)> RunIn(string folder, params string[] arguments)
    {
        Requires.Linux();
        await using var runner = RunnerProcess.StartWithin(["env", "-C", folder], arguments);
        return (await runner.ExitAsync(), runner);
    }
}
