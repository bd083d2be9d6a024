using System.Diagnostics;

namespace ClusterAspire.Template.Tests;

/// <summary>
/// A folder where instances of the template are made without a network: what they need is in the package cache already,
/// since this repository needs it too, and the packages of this repository are in a folder.
/// </summary>
[CollectionDefinition(nameof(Workshop))]
public sealed class Workshop : IAsyncLifetime, ICollectionFixture<Workshop>
{
    private static readonly string[] Packed = ["Contract", "Hosting", "Link", "LoadBalancer", "Orchestration", "Replica", "Runner", "Templates"];
    private static readonly TimeSpan StepLimit = TimeSpan.FromMinutes(20);
    private readonly string _root = Directory.CreateTempSubdirectory("clusteraspire-template-").FullName;
    private readonly Lazy<Task> _pack;

    public Workshop() => _pack = new(PackOnceAsync);

    /// <summary>Where packages of this repository are put.</summary>
    public string Feed => Directory.CreateDirectory(Path.Combine(_root, "feed")).FullName;

    public async ValueTask InitializeAsync()
    {
        // The only source is the folder, and the packages that are taken from it do not get into the user's cache.
        var cache = await DotnetAsync(_root, "nuget", "locals", "global-packages", "--list", "--force-english-output");
        var packages = cache.Split("global-packages:", 2)[1].Trim();
        await File.WriteAllTextAsync(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="packages" /></config>
              <fallbackPackageFolders><clear /><add key="cache" value="{packages}" /></fallbackPackageFolders>
              <packageSources><clear /><add key="feed" value="{Feed}" /></packageSources>
            </configuration>
            """);
        await DotnetAsync(_root, "new", "install", Repository.Root, "--debug:custom-hive", Hive);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return default;
    }

    /// <summary>Creates an instance of the template in this repository, and returns its folder.</summary>
    public Task<string> CreateAsync(string name, params string[] options) => CreateAsync(Hive, name, options);

    /// <summary>Creates an instance of the template in its package, and returns its folder.</summary>
    public async Task<string> CreateFromPackageAsync(string name, params string[] options)
    {
        await PackAsync();
        var hive = Path.Combine(_root, "hive-packed");
        await DotnetAsync(_root, "new", "install", Directory.GetFiles(Feed, "ClusterAspire.Templates.*.nupkg").Single(), "--debug:custom-hive", hive);
        return await CreateAsync(hive, name, options);
    }

    /// <summary>Creates an empty folder.</summary>
    public string CreateFolder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    /// <summary>Packs what was built of this repository into the feed, once.</summary>
    public Task PackAsync() => _pack.Value;

    private async Task<string> CreateAsync(string hive, string name, string[] options)
    {
        // With its check for updates, dotnet new writes the list of packages of the hive while it reads it, and fails at times.
        await DotnetAsync(_root, ["new", "clusteraspire", "--name", name, "--output", name, "--no-restore", "--no-update-check", "--debug:custom-hive", hive, .. options]);
        return Path.Combine(_root, name);
    }

    private async Task PackOnceAsync()
    {
        var projects = string.Join(';', Packed.Select(project => Path.Combine(Repository.Root, "src", project, $"{project}.csproj")));
        await File.WriteAllTextAsync(Path.Combine(_root, "pack.proj"), $"""
            <Project>
              <Target Name="Pack">
                <MSBuild Projects="{projects}" Targets="Pack" BuildInParallel="true" Properties="NoBuild=true;Configuration={Repository.Configuration};PackageOutputPath={Feed}" />
              </Target>
            </Project>
            """);
        await DotnetAsync(_root, "msbuild", "pack.proj", "-m", "-nologo");
    }

    /// <summary>Runs <c>dotnet</c> and returns what it wrote; a failure is thrown with it.</summary>
    public static async Task<string> DotnetAsync(string folder, params string[] arguments)
    {
        await using var dotnet = TestProcess.Start(Dotnet(folder, arguments));
        return await dotnet.ExitAsync(StepLimit) is 0 ? dotnet.Text : throw new InvalidOperationException($"dotnet {string.Join(' ', arguments)}: {dotnet.Text}");
    }

    /// <summary>A command in the environment of a user's terminal, not of the test's host.</summary>
    public static ProcessStartInfo Dotnet(string folder, params string[] arguments) => new("dotnet", arguments)
    {
        WorkingDirectory = folder,
        Environment =
        {
            ["NUGET_PACKAGES"] = null,
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_NOLOGO"] = "1",
            ["CI"] = null,
        },
    };

    private string Hive => Path.Combine(_root, "hive");
}
