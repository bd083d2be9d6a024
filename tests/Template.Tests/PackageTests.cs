using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace ClusterAspire.Template.Tests;

/// <summary>The packages of this repository, as somebody who downloads them finds them.</summary>
[Collection(nameof(Workshop))]
public sealed class PackageTests(Workshop workshop)
{
    private static readonly Guid EmbeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    public static TheoryData<string> Packages => [.. Libraries.Select(library => library.Data), "ClusterAspire.Templates", "clusteraspire"];

    public static TheoryData<string> Libraries =>
        ["ClusterAspire.Contract", "ClusterAspire.Hosting", "ClusterAspire.Link", "ClusterAspire.LoadBalancer", "ClusterAspire.Orchestration", "ClusterAspire.Replica"];

    [Theory]
    [MemberData(nameof(Packages))]
    public async Task APackageSaysWhatItIs(string id)
    {
        using var package = await OpenAsync(id, "nupkg");
        var data = XDocument.Load(package.GetEntry($"{id}.nuspec")!.Open()).Root!.Elements().Single().Elements()
            .Where(element => !element.HasElements)
            .ToDictionary(element => element.Name.LocalName, element => element.Value);

        Assert.Equal(id, data["id"]);
        Assert.Equal("MIT", data["license"]);
        Assert.NotEmpty(data["description"]);
        Assert.InRange(package.GetEntry(data["readme"])!.Length, 1000, 10_000);
        using var icon = package.GetEntry(data["icon"])!.Open();
        var start = new byte[8];
        await icon.ReadExactlyAsync(start, TestContext.Current.CancellationToken);
        Assert.Equal([0x89, .. "PNG\r\n\x1A\n"u8], start);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task ALibraryHasDocumentationAndIsReproducible(string id)
    {
        using var package = await OpenAsync(id, "nupkg");
        Assert.NotEmpty(XDocument.Load(package.GetEntry($"lib/net10.0/{id}.xml")!.Open()).Descendants("member"));

        using var assembly = new PEReader(await ReadAsync(package, $"lib/net10.0/{id}.dll"));
        Assert.Contains(assembly.ReadDebugDirectory(), entry => entry.Type is DebugDirectoryEntryType.Reproducible);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task SymbolsBelongToTheLibraryAndContainItsSources(string id)
    {
        using var package = await OpenAsync(id, "nupkg");
        using var symbolPackage = await OpenAsync(id, "snupkg");
        using var assembly = new PEReader(await ReadAsync(package, $"lib/net10.0/{id}.dll"));
        using var provider = MetadataReaderProvider.FromPortablePdbStream(await ReadAsync(symbolPackage, $"lib/net10.0/{id}.pdb"));
        var symbols = provider.GetMetadataReader();

        var codeView = assembly.ReadDebugDirectory().Single(entry => entry.Type is DebugDirectoryEntryType.CodeView);
        Assert.Equal(new BlobContentId(symbols.DebugMetadataHeader!.Id).Guid, assembly.ReadCodeViewDebugDirectoryData(codeView).Guid);
        Assert.NotEmpty(symbols.Documents);
        Assert.All(symbols.Documents, document =>
        {
            var name = symbols.GetString(symbols.GetDocument(document).Name);
            Assert.True(symbols.GetCustomDebugInformation(document).Any(information => symbols.GetGuid(symbols.GetCustomDebugInformation(information).Kind) == EmbeddedSource), name);
            // Builds to be published name no path of the machine that made them.
            Assert.True(name.StartsWith("/_/", StringComparison.Ordinal) || (Repository.Configuration is "Debug" && Environment.GetEnvironmentVariable("CI") is not "true"), name);
        });
    }

    [Theory]
    [InlineData("ClusterAspire.Orchestration", "buildTransitive")]
    [InlineData("ClusterAspire.Replica", "buildTransitive")]
    [InlineData("ClusterAspire.LoadBalancer", "build")]
    public async Task EditorsFindTheSchemaOfTheSettings(string id, string folder)
    {
        using var package = await OpenAsync(id, "nupkg");
        Assert.NotNull(package.GetEntry("ConfigurationSchema.json"));
        var segment = XDocument.Load(package.GetEntry($"{folder}/{id}.targets")!.Open()).Descendants("JsonSchemaSegment").Single();
        Assert.Equal("$(MSBuildThisFileDirectory)../ConfigurationSchema.json", segment.Attribute("Include")!.Value);
    }

    [Fact]
    public async Task TheToolHasItsCommandAndThePrograms()
    {
        using var package = await OpenAsync("clusteraspire", "nupkg");
        var settings = XDocument.Load(package.Entries.Single(entry => entry.Name is "DotnetToolSettings.xml").Open());
        Assert.Equal("clusteraspire", settings.Descendants("Command").Single().Attribute("Name")!.Value);
        Assert.Contains(package.Entries, entry => entry.FullName.EndsWith("/programs/ClusterAspire.LoadBalancer/ClusterAspire.LoadBalancer.dll", StringComparison.Ordinal));
    }

    private async Task<ZipArchive> OpenAsync(string id, string extension)
    {
        await workshop.PackAsync();
        return await ZipFile.OpenReadAsync(Directory.GetFiles(workshop.Feed, $"{id}.1.0.0.{extension}").Single(), TestContext.Current.CancellationToken);
    }

    // Zip entries cannot be searched in.
    private static async Task<MemoryStream> ReadAsync(ZipArchive package, string path)
    {
        var copy = new MemoryStream();
        await using var entry = await package.GetEntry(path)!.OpenAsync(TestContext.Current.CancellationToken);
        await entry.CopyToAsync(copy, TestContext.Current.CancellationToken);
        copy.Position = 0;
        return copy;
    }
}
