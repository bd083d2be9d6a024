using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace ClusterAspire.Aspire.Tests;

/// <summary>A project of its own that takes Aspire as the AppHost does, with feeds and a package cache of its own.</summary>
internal sealed class Project : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("aspire-feeds-").FullName;

    public Project(params StandIns[] feeds)
    {
        foreach (var file in (string[])["Aspire.targets", "Aspire.probe.props"])
        {
            File.Copy(Path.Combine(AppHost, file), In(file));
        }

        // Nothing of the repository's own: not its settings, not its versions.
        foreach (var file in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
        {
            File.WriteAllText(In(file), "<Project />");
        }

        Add("App");
        UseFeeds(feeds);
    }

    public static string AppHost { get; } = typeof(Project).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(folder => folder.Key == "AppHost").Value!;

    public StandIns Feed(string name = "feed") => new(In(name));

    public bool HasAsked(string project = "App") => Directory.Exists(In(project, "obj", "aspire"));

    public void ForgetThatItAsked() => Directory.Delete(In("App", "obj", "aspire"), recursive: true);

    public void ClearPackages() => Directory.Delete(In("packages"), recursive: true);

    public bool Remembers => File.Exists(In("App", "obj", "aspire.feeds"));

    public void Add(string name, string properties = "")
    {
        Directory.CreateDirectory(In(name));
        File.WriteAllText(
            In(name, $"{name}.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework>{properties}</PropertyGroup>
              <Import Project="../Aspire.targets" />
            </Project>
            """);
    }

    public void AddSolution(params string[] projects) => File.WriteAllText(
        In("All.slnx"), $"<Solution>{string.Concat(projects.Select(project => $"<Project Path=\"{project}/{project}.csproj\" />"))}</Solution>");

    public void UseFeeds(params StandIns[] feeds) => UseFeeds([.. feeds.Select(feed => feed.Folder)]);

    public void UseFeeds(params string[] sources) => File.WriteAllText(
        In("NuGet.config"),
        $"""
        <configuration>
          <packageSources>
            <clear />
            {string.Concat(sources.Select((source, i) => $"<add key=\"feed{i}\" value=\"{source}\" allowInsecureConnections=\"true\" />"))}
          </packageSources>
          <fallbackPackageFolders><clear /></fallbackPackageFolders>
        </configuration>
        """);

    /// <summary>Restores, without a word of Aspire.</summary>
    public async Task RestoreAsync(params string[] switches)
    {
        var (exitCode, output) = await RunAsync(["restore", In("App"), .. switches]);
        Assert.True(exitCode is 0, output);
        Assert.DoesNotContain("Aspire.", output);
        Assert.DoesNotContain("warn", output);
    }

    public Task<(int ExitCode, string Output)> TryRestoreAsync(params string[] switches) => RunAsync(["restore", In("App"), .. switches]);

    public async Task RestoreSolutionAsync(params string[] switches)
    {
        var (exitCode, output) = await RunAsync(["restore", In("All.slnx"), .. switches]);
        Assert.True(exitCode is 0, output);
    }

    /// <summary>Whether a build would be one with Aspire.</summary>
    public async Task<bool> HasAspireAsync(string project = "App", params string[] switches)
    {
        var properties = await PropertiesAsync(In(project, $"{project}.csproj"), ["HasAspire", "DefineConstants"], switches);
        Assert.Equal(properties["HasAspire"] is "true", properties["DefineConstants"].Split(';').Contains("ASPIRE"));
        return properties["HasAspire"] is "true";
    }

    public Task<Dictionary<string, string>> PropertiesAsync(params string[] names) => PropertiesAsync(In("App", "App.csproj"), names, []);

    private async Task<Dictionary<string, string>> PropertiesAsync(string project, string[] names, string[] switches)
    {
        var (exitCode, output) = await RunAsync(["msbuild", project, $"-getProperty:{string.Join(',', names)}", .. switches]);
        Assert.True(exitCode is 0, output);
        return JsonDocument.Parse(output).RootElement.GetProperty("Properties").Deserialize<Dictionary<string, string>>()!;
    }

    public async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _root };
        // The stand-ins must not get among the real packages.
        start.Environment["NUGET_PACKAGES"] = In("packages");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment.Remove("UseAspire");
        // The feeds are the test's, not those of whoever runs it.
        start.Environment.Remove("RestoreConfigFile");
        start.Environment.Remove("RestoreSources");
        using var dotnet = Process.Start(start)!;
        var errors = dotnet.StandardError.ReadToEndAsync();
        var output = await dotnet.StandardOutput.ReadToEndAsync() + await errors;
        await dotnet.WaitForExitAsync();
        return (dotnet.ExitCode, output);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string In(params string[] path) => Path.Combine([_root, .. path]);
}
