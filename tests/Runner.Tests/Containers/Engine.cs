using System.ComponentModel;
using System.Text.Json;

namespace ClusterAspire.Runner.Tests;

/// <summary>The container engine of this machine, by its command.</summary>
internal static class Engine
{
    private static readonly Lazy<string?> Found = new(() => Array.Find(["docker", "podman"], Answers));
    private static readonly Lazy<string?> WhyNoImage = new(() => Task.Run(TryStartAsync).GetAwaiter().GetResult());

    /// <summary>Its command.</summary>
    public static string Command => Found.Value ?? throw new InvalidOperationException("No container engine answers.");

    /// <summary>Skips the test where there is no engine, or no image can be had. With CI=true both have to be.</summary>
    public static void SkipWhereMissing()
    {
        Requires.Linux();
        Requires.That(Found.Value is not null, "No container engine answers: install Docker or Podman and start it.");
        Requires.That(WhyNoImage.Value is null, $"The service does not start as a container: {WhyNoImage.Value}");
    }

    /// <summary>Runs a command of the engine; returns what it wrote.</summary>
    public static string Run(params string[] arguments)
    {
        var (exitCode, output, errors) = TestProcess.Run(Command, arguments);
        return exitCode is 0 ? output.Trim() : throw new InvalidOperationException($"{Command} {string.Join(' ', arguments)}: {errors}");
    }

    /// <summary>The ids of a cluster's containers, running or not.</summary>
    public static IReadOnlyList<string> ContainersOf(string cluster) =>
        Run("ps", "--all", "--quiet", "--no-trunc", "--filter", $"label=clusteraspire.cluster={cluster}").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The container that a replica runs in.</summary>
    public static string ContainerOf(string cluster, string replica) => Assert.Single(
        Run("ps", "--quiet", "--no-trunc", "--filter", $"label=clusteraspire.cluster={cluster}", "--filter", $"label=clusteraspire.replica={replica}")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>What the engine knows of a container.</summary>
    public static JsonElement Inspect(string container) => JsonDocument.Parse(Run("inspect", container)).RootElement[0].Clone();

    /// <summary>Removes whatever is left of a cluster.</summary>
    public static void Remove(string cluster)
    {
        if (Found.Value is not null && ContainersOf(cluster) is { Count: > 0 } left)
        {
            TestProcess.Run(Command, ["rm", "--force", "--volumes", .. left]);
        }
    }

    public static bool IsInstalled(string command, params string[] arguments)
    {
        try
        {
            return TestProcess.Run(command, arguments).ExitCode is 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static bool Answers(string command) => IsInstalled(command, "ps");

    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(15);

    // The first start builds the image, which takes longer than any test may.
    private static async Task<string?> TryStartAsync()
    {
        var runtime = new ContainersUnderTest();
        var (port, adminPort) = Cluster.FreePorts();
        try
        {
            await using var runner = RunnerProcess.Start(["--runtime", "container", "--replicas", "1", "--port", $"{port}", "--admin-port", $"{adminPort}", .. runtime.Switches]);
            await runner.LineAsync(line => line.StartsWith("Replicas run as containers", StringComparison.Ordinal), "the image is built", BuildLimit);
            return null;
        }
        catch (Exception exception)
        {
            return exception.Message;
        }
        finally
        {
            Remove(runtime.ClusterName);
        }
    }
}
