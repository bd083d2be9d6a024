using System.Reflection;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>The tool as it is packed, installed into a fresh folder.</summary>
public sealed class ToolTests
{
    // Of a project that is published first, on a busy machine.
    private static readonly TimeSpan PublishLimit = TimeSpan.FromMinutes(6);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_installed_tool_runs_a_published_application_and_a_project()
    {
        Requires.Linux();
        var folder = Directory.CreateTempSubdirectory("clusteraspire tool ").FullName;
        try
        {
            Dotnet("pack", Path.Combine(Sources(), "src/Runner"), "--no-build", "--configuration", Configuration, "--output", Path.Combine(folder, "feed"));
            // In a folder of its own, or NuGet takes the one of that version that it has seen before.
            TestProcess.Run("env", $"NUGET_PACKAGES={Path.Combine(folder, "packages")}", "dotnet", "tool", "install", "clusteraspire", "--tool-path", Path.Combine(folder, "tool"), "--add-source", Path.Combine(folder, "feed"));
            var tool = Path.Combine(folder, "tool", "clusteraspire");
            Assert.True(File.Exists(tool), "It is installed.");

            var application = Path.Combine(folder, "my application");
            Assert.Equal(0, TestProcess.Run("cp", "-r", Path.GetDirectoryName(PlainCluster.Program)!, application).ExitCode);
            await RunsAsync(tool, folder, application);

            var project = Path.Combine(folder, "project");
            Directory.CreateDirectory(project);
            await File.WriteAllTextAsync(Path.Combine(project, "Shop.csproj"), """
                <Project Sdk="Microsoft.NET.Sdk.Web">
                  <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
                </Project>
                """, Cancelled);
            await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), """
                var app = WebApplication.CreateBuilder(args).Build();
                app.MapGet("/args", () => string.Join(' ', args));
                app.Run();
                """, Cancelled);
            // What another runner runs from stays, what one that has ended ran from goes.
            var published = Path.Combine(project, "bin", "clusteraspire");
            var runs = Directory.CreateDirectory(Path.Combine(published, $"20200101-000000-000.{Environment.ProcessId}"));
            string[] ended = [.. Enumerable.Range(2, 4).Select(day => Directory.CreateDirectory(Path.Combine(published, $"2020010{day}-000000-000.{int.MaxValue}")).FullName)];
            var output = await RunsAsync(tool, folder, project);
            Assert.True(runs.Exists);
            Assert.Equal(ended[2..], ended.Where(Directory.Exists));
            Assert.Contains("Publishing Shop.", output);
            Assert.Contains(output, line => line.StartsWith("Shop does not reference ClusterAspire.Replica: ", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IReadOnlyCollection<string>> RunsAsync(string tool, string folder, string service)
    {
        var (port, adminPort) = Cluster.FreePorts();
        await using var runner = RunnerProcess.StartProgram(
            [tool, "run", service, "--log", "text", "--replicas", "1", "--port", $"{port}", "--admin-port", $"{adminPort}", "--", "--greeting", "good day"],
            ("XDG_RUNTIME_DIR", folder), ("DOTNET_ROOT", Path.GetDirectoryName(RunnerProcess.Dotnet)!));
        await runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves", PublishLimit);

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new($"http://127.0.0.1:{port}") };
        var args = await client.GetStringAsync("/args", Cancelled);
        Assert.Contains("--greeting", args, StringComparison.Ordinal);
        Assert.Contains("good day", args, StringComparison.Ordinal);
        using var admin = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new($"http://127.0.0.1:{adminPort}") };
        Assert.Contains("blazor", await admin.GetStringAsync("/", Cancelled), StringComparison.Ordinal);
        Assert.NotEmpty(await admin.GetStringAsync("/live.css", Cancelled));

        runner.Signal(Unix.SigTerm);
        Assert.Equal(0, await runner.ExitAsync());
        return runner.Output;
    }

    private static string Configuration => typeof(ToolTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    private static string Sources([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(path, "..", "..", "..", ".."));

    private static void Dotnet(params string[] arguments)
    {
        var (exitCode, output, errors) = TestProcess.Run("dotnet", arguments);
        Assert.True(exitCode is 0, $"dotnet {string.Join(' ', arguments)}: {output}{errors}");
    }
}
