using System.IO.Compression;
using System.Runtime.InteropServices;

namespace ClusterAspire.Aspire.Tests;

/// <summary>A folder as a NuGet feed, with empty packages that have Aspire's names.</summary>
internal sealed class StandIns(string folder)
{
    public const string Version = "13.5.2";

    /// <summary>What an AppHost takes.</summary>
    public static string[] Aspire { get; } =
    [
        "Aspire.Hosting.AppHost",
        $"Aspire.Hosting.Orchestration.{RuntimeInformation.RuntimeIdentifier}",
        $"Aspire.Dashboard.Sdk.{RuntimeInformation.RuntimeIdentifier}",
    ];

    /// <summary>What its tests take, but for the AppHost's own.</summary>
    public static string[] Testing { get; } = ["Aspire.Hosting.Testing", .. Aspire[1..]];

    public string Folder { get; } = Directory.CreateDirectory(folder).FullName;

    /// <summary>Serves packages that need no other, or one.</summary>
    public StandIns Serve(string[] packages, string version = Version, string? dependency = null)
    {
        var dependencies = dependency is null ? "" : $"<dependencies><dependency id=\"{dependency}\" version=\"{version}\" /></dependencies>";
        foreach (var package in packages)
        {
            using var file = ZipFile.Open(Path.Combine(Folder, $"{package}.{version}.nupkg"), ZipArchiveMode.Create);
            using var nuspec = new StreamWriter(file.CreateEntry($"{package}.nuspec").Open());
            nuspec.Write(
                $"""
                <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
                  <metadata><id>{package}</id><version>{version}</version><authors>tests</authors><description>Stands in.</description>{dependencies}</metadata>
                </package>
                """);
        }

        return this;
    }

    public void Withdraw() => Array.ForEach(Directory.GetFiles(Folder), File.Delete);
}
