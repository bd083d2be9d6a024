using System.Xml.Linq;

namespace ClusterAspire.Template.Tests;

/// <summary>A solution that somebody has: files in a folder, with the newest packages of others.</summary>
internal sealed class Solution(string folder)
{
    private static readonly Dictionary<string, string> Versions = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion")
        .ToDictionary(package => package.Attribute("Include")!.Value, package => package.Attribute("Version")!.Value);

    private static readonly string AppHostSdk = XDocument.Load(Path.Combine(Repository.Root, "AppHost/AppHost.csproj")).Root!.Attribute("Sdk")!.Value;

    /// <summary>Where it is.</summary>
    public string Folder => folder;

    /// <summary>Writes an AppHost that references projects, and its program.</summary>
    public void AddAppHost(string name, string[] projects, string program) => Add(name, AppHostSdk, "<OutputType>Exe</OutputType>", ["Aspire.Hosting.AppHost"], projects, program);

    /// <summary>Writes an ASP.NET Core project.</summary>
    public void AddWeb(string name, string[] projects, string program) => Add(name, "Microsoft.NET.Sdk.Web", "", [], projects, program);

    /// <summary>Writes a library that references ASP.NET Core and packages.</summary>
    public void AddLibrary(string name, string[] packages, string code) =>
        Add(name, "Microsoft.NET.Sdk", "<IsAspireSharedProject>true</IsAspireSharedProject>", packages, [], code, """<FrameworkReference Include="Microsoft.AspNetCore.App" />""");

    /// <summary>Replaces a piece of a file, which must be there once.</summary>
    public void Edit(string file, string before, string after)
    {
        var path = Path.Combine(folder, file);
        var parts = File.ReadAllText(path).Split(before);
        Assert.True(parts.Length == 2, $"{file} has '{before}' {parts.Length - 1} times.");
        File.WriteAllText(path, string.Join(after, parts));
    }

    /// <summary>Adds a package of this repository to a project.</summary>
    public Task AddPackageAsync(string project, string package) => Workshop.DotnetAsync(folder, "add", project, "package", package, "--version", "1.0.0", "--no-restore");

    /// <summary>Adds a reference of a project to another one.</summary>
    public Task AddReferenceAsync(string project, string other) => Workshop.DotnetAsync(folder, "add", project, "reference", other);

    /// <summary>Builds a project; warnings are errors.</summary>
    public Task BuildAsync(string project) => Workshop.DotnetAsync(folder, "build", project, "-warnaserror");

    private void Add(string name, string sdk, string properties, string[] packages, string[] projects, string code, string items = "")
    {
        Directory.CreateDirectory(Path.Combine(folder, name));
        File.WriteAllText(Path.Combine(folder, name, $"{name}.csproj"), $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <!-- Aspire's command line is not needed; of packages, only the versions that this repository uses are here. -->
                <NoWarn>$(NoWarn);ASPIRE010;NU1603</NoWarn>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                {items}
                {string.Concat(packages.Select(package => $"""<PackageReference Include="{package}" Version="{Versions[package]}" />"""))}
                {string.Concat(projects.Select(project => $"""<ProjectReference Include="../{project}/{project}.csproj" />"""))}
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, name, "Program.cs"), code);
    }
}
