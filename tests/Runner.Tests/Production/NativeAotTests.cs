using System.Net.Http.Json;
using ClusterAspire.Contract;
using ClusterAspire.Runner.CommandLine;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary><c>--aot</c>: the service's project, compiled by Native AOT.</summary>
public sealed class NativeAotTests : IDisposable
{
    // On a busy machine; alone it is less than a minute.
    private static readonly TimeSpan CompileLimit = TimeSpan.FromMinutes(15);

    // What a native service consists of.
    private static readonly string[] Sources =
        ["Directory.Build.props", "Directory.Packages.props", "global.json", "src/Contract", "src/Link", "src/Replica", "src/ServiceDefaults", "src/Service"];

    // Compiles sooner, and leaves no process of MSBuild behind.
    private static readonly (string, string)[] Quickly =
        [("Optimize", "false"), ("RunAnalyzers", "false"), ("NativeDebugSymbols", "false"), ("StripSymbols", "false"), ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false")];

    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-aot-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_sample_serves_comes_back_when_it_is_killed_and_is_reloaded()
    {
        Requires.That(HasToolchain, "Native AOT links with a C toolchain: apt install gcc libc6-dev.");
        CopySources();
        await using var cluster = Cluster.Begin(new ProcessesUnderTest(), 2, ["--aot", "--service", Path.Combine(_folder, "src", "Service")], Quickly);
        await cluster.Runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves", CompileLimit);
        var replicas = await cluster.ServesAsync(2);
        var built = Assert.Single(replicas.Select(Executable).Distinct());
        Assert.StartsWith(Path.Combine(_folder, "src", "Service", "bin", "clusteraspire"), built, StringComparison.Ordinal);
        using var client = new HttpClient();
        foreach (var replica in replicas)
        {
            var health = await client.GetFromJsonAsync<ReplicaHealth>(new Uri(replica.Address, "health"), ContractJson.Default.ReplicaHealth, Cancelled);
            Assert.Equal((replica.Name, replica.Pid, replica.Core, 1), (health!.Name, health.Pid, health.Core, health.Cores));
            Assert.NotNull(health.Link);
            Assert.Contains(health.ComputeRoutes!, route => route.Pattern is "/slow");
        }

        var victim = replicas[1];
        cluster.Kill(victim);

        var back = await cluster.ReplicaAsync(victim.Name, replica => replica is { State: "ready", Restarts: 1 }, "it is back");
        Assert.Equal((built, victim.Core), (Executable(back), back.Core));
        Assert.StartsWith("replica-", await cluster.FastAsync(), StringComparison.Ordinal);

        await using var reload = RunnerProcess.Start(["reload", "--port", $"{cluster.Url.Port}"]);
        Assert.True(await reload.ExitAsync(CompileLimit) is 0, $"{reload}{Environment.NewLine}{cluster.Runner}");
        var after = await cluster.ServesAsync(2);
        Assert.NotEqual(built, Assert.Single(after.Select(Executable).Distinct()));
        Assert.StartsWith("replica-", await cluster.FastAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_not_ready_for_it_is_named_with_the_line()
    {
        Requires.Linux();
        Write("builder.Services.AddControllers();");

        Assert.Matches(
            @"Shop\.csproj is not ready for Native AOT: change what the compiler names, or leave --aot \(Cluster:Aot\) out\. It says: .*Program\.cs\(2,1\): error IL2026: .*AddControllers",
            await SentenceAsync(Quickly.Where(variable => variable.Item1 is not "RunAnalyzers")));
    }

    [Fact]
    public async Task What_the_machine_lacks_is_named()
    {
        Requires.Linux();
        Write("");
        var path = Directory.CreateDirectory(Path.Combine(_folder, "path")).FullName;
        File.CreateSymbolicLink(Path.Combine(path, "sh"), "/bin/sh");

        // By the program of its own, beside which there is no dotnet.
        await using var runner = RunnerProcess.StartProgram([Path.ChangeExtension(typeof(ClusterCommand).Assembly.Location, null), .. Command], ("PATH", path), ("DOTNET_ROOT", Path.GetDirectoryName(RunnerProcess.Dotnet)!));
        Assert.Equal(1, await runner.ExitAsync(CompileLimit));
        Assert.Contains("Shop.csproj cannot be built, as dotnet does not start: install the .NET SDK, or name a built program.", Assert.Single(runner.Errors), StringComparison.Ordinal);

        Assert.Matches(
            @"Shop\.csproj cannot be compiled by Native AOT, as this machine has no C toolchain to link with: install it \(Debian: apt install gcc libc6-dev\), or leave --aot \(Cluster:Aot\) out\.",
            await SentenceAsync([("PATH", $"{path}:{Path.GetDirectoryName(RunnerProcess.Dotnet)}"), .. Quickly]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static bool HasToolchain => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "gcc")) || File.Exists(Path.Combine(folder, "clang")));

    private string[] Command => ["run", Path.Combine(_folder, "Shop.csproj"), "--aot"];

    private static string Executable(Replica replica) => File.ResolveLinkTarget($"/proc/{replica.Pid}/exe", returnFinalTarget: false)!.FullName;

    // A copy, as other tests use what was built in the repository.
    private void CopySources()
    {
        foreach (var file in Sources.Select(source => Path.Combine(Repository.Root, source)).SelectMany(source => File.Exists(source) ? [source] : Directory.GetFiles(source, "*", SearchOption.AllDirectories)))
        {
            var name = Path.GetRelativePath(Repository.Root, file);
            if (!name.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, name))!);
                File.Copy(file, Path.Combine(_folder, name));
            }
        }
    }

    private void Write(string line)
    {
        File.WriteAllText(Path.Combine(_folder, "Shop.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(_folder, "Program.cs"), $"""
            var builder = WebApplication.CreateSlimBuilder(args);
            {line}
            builder.Build().Run();
            """);
    }

    private async Task<string> SentenceAsync(IEnumerable<(string, string)> environment)
    {
        await using var runner = RunnerProcess.Start(Command, [.. environment]);
        Assert.Equal(1, await runner.ExitAsync(CompileLimit));
        return Assert.Single(runner.Errors);
    }
}
