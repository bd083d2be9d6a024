using ClusterAspire.Runner.CommandLine;

namespace ClusterAspire.Runner.Tests;

/// <summary>What is missing for containers is one sentence; with <c>--runtime auto</c> it is why the replicas are processes.</summary>
public sealed class EngineMistakesTests
{
    private static readonly (string, string) NoEngine = ("PATH", "/nonexistent");
    private static readonly (string, string) NoAnswer = ("DOCKER_HOST", "unix:///nonexistent/docker.sock");

    [Fact]
    public async Task No_engine() =>
        AssertExplained(
            "There is no container engine on this machine: install Docker or Podman, or run the replicas as processes (--runtime process).",
            await RunAsync(["--runtime", "container"], NoEngine));

    [Fact]
    public async Task An_engine_that_does_not_answer()
    {
        Requires.That(Engine.IsInstalled("docker", "--version"), "Docker is not installed.");

        AssertExplained("Docker is installed but does not answer (", await RunAsync(["--runtime", "container", "--engine", "docker"], NoAnswer));
    }

    [Fact]
    public async Task An_engine_this_user_may_not_use()
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("docker", "version"), "Docker does not answer.");
        Assert.SkipUnless(Environment.UserName is "root", "Only root can become a user without rights.");

        var (port, adminPort) = Cluster.FreePorts();
        var (exitCode, _, errors) = TestProcess.Run(
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp", "dotnet", typeof(ClusterCommand).Assembly.Location,
            "--runtime", "container", "--engine", "docker", "--port", $"{port}", "--admin-port", $"{adminPort}");

        Assert.SkipWhen(errors.Contains("Permission denied", StringComparison.Ordinal) || exitCode is 127 or 131, $"Nobody but root reads this folder: {errors}");
        Assert.Equal((1, "This user may not use Docker: add the user to the group docker and log in again, use Podman without root (--engine podman), or run the replicas as processes (--runtime process)."), (exitCode, errors.Trim()));
    }

    [Fact]
    public async Task A_missing_image()
    {
        Engine.SkipWhereMissing();

        var result = await RunAsync(["--runtime", "container", "--image", "clusteraspire-test/nowhere:1"]);

        AssertExplained("has no image clusteraspire-test/nowhere:1: build or pull it (", result);
        Assert.Empty(result.Runner.Output);
    }

    [Fact]
    public async Task A_program_is_no_image() =>
        AssertExplained("--service (Cluster:Service) names a program, which runs as a process: ", await RunAsync(["--runtime", "container", "--service", "a.dll"]));

    [Fact]
    public async Task An_impossible_memory_limit() =>
        AssertExplained("--memory (Cluster:Memory) must be a number of bytes", await RunAsync(["--memory", "plenty"]));

    [Fact]
    public async Task Auto_without_an_engine_runs_processes_and_says_why() =>
        await AssertProcessesAsync("Replicas run as processes: There is no container engine on this machine", NoEngine);

    [Fact]
    public async Task Auto_without_base_images_at_hand_runs_processes_and_downloads_nothing()
    {
        Engine.SkipWhereMissing();

        await AssertProcessesAsync(
            "Replicas run as processes: the image of the service is not built yet (--runtime container builds it, once).",
            ("Cluster__Build__Args__SDK_IMAGE", "clusteraspire-test/nowhere:1"));
    }

    private static async Task AssertProcessesAsync(string why, (string, string) environment)
    {
        Requires.Linux();
        var (port, adminPort) = Cluster.FreePorts();
        await using var runner = RunnerProcess.Start(["--replicas", "1", "--port", $"{port}", "--admin-port", $"{adminPort}"], environment);

        await runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");

        Assert.StartsWith(why, Assert.Single(runner.Output, line => line.StartsWith("Replicas run as ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(runner.Output, line => line.StartsWith("replica-0 (pid ", StringComparison.Ordinal));
    }

    private static async Task<(int ExitCode, RunnerProcess Runner)> RunAsync(string[] arguments, params (string, string)[] environment)
    {
        var (port, adminPort) = Cluster.FreePorts();
        return await RunnerProcess.RunAsync(["--port", $"{port}", "--admin-port", $"{adminPort}", .. arguments], environment);
    }

    private static void AssertExplained(string sentence, (int ExitCode, RunnerProcess Runner) result)
    {
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(sentence, Assert.Single(result.Runner.Errors), StringComparison.Ordinal);
    }
}
