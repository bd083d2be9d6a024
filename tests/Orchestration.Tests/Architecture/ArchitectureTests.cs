using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace ClusterAspire.Orchestration.Tests.Architecture;

/// <summary>The rules of the source tree: which project may use which, and where a namespace is.</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>Each project, and the projects that it may use. The map in docs/architecture.md says the same.</summary>
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Contract"] = [],
        ["Link"] = [],
        ["Replica"] = ["Contract", "Link"],
        ["LoadBalancer"] = ["Contract", "Link", "Replica"],
        ["Orchestration"] = ["Contract"],
        ["Runner"] = ["Contract", "Orchestration"],
        ["Hosting"] = ["Contract", "Orchestration"],
        ["ServiceDefaults"] = [],
        ["Service"] = ["Replica", "ServiceDefaults"],
        ["Templates"] = [],
        ["Bench"] = ["Contract", "LoadBalancer", "Replica"],
        ["AppHost"] = ["Hosting", "LoadBalancer", "Service"],
    };

    /// <summary>Single files that a project compiles although they belong to another one.</summary>
    private static readonly Dictionary<string, string[]> MayCompile = new()
    {
        ["Orchestration"] = ["Replica/Pinning/ThreadAffinity.cs", "Replica/Supervision/ProcessStat.cs"],
    };

    /// <summary>Folders whose extension methods are in the namespace of what they extend, so that users need no <c>using</c> for them.</summary>
    private static readonly Dictionary<string, string> Extends = new()
    {
        ["Hosting"] = "Aspire.Hosting",
        ["ServiceDefaults"] = "Microsoft.Extensions.Hosting",
    };

    public static TheoryData<string> Projects => [.. MayUse.Keys];

    [Fact]
    public void EveryProjectHasARule() =>
        Assert.Equal(
            MayUse.Keys.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
                .Select(file => Path.GetFileNameWithoutExtension(file))
                .Append("AppHost")
                .Order(StringComparer.Ordinal));

    /// <summary>dotnet test prints the table's rows for the groups that it runs.</summary>
    [Fact]
    public void ContributingSaysHowLongEachGroupOfTestsTakes() =>
        Assert.Equal(
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories)
                .Select(file => Path.GetFileNameWithoutExtension(file))
                .Order(StringComparer.Ordinal),
            GroupRow().Matches(File.ReadAllText(Path.Combine(Repository.Root, "CONTRIBUTING.md")))
                .Select(row => row.Groups["group"].Value)
                .Order(StringComparer.Ordinal));

    [Fact]
    public void TheRulesHaveNoCycle()
    {
        var below = new HashSet<string>();
        for (var round = 0; round < MayUse.Count; round++)
        {
            below.UnionWith(MayUse.Where(rule => rule.Value.All(below.Contains)).Select(rule => rule.Key));
        }

        Assert.Equal(MayUse.Keys.Order(StringComparer.Ordinal), below.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void AProjectReferencesOnlyWhatItMayUse(string project)
    {
        var elements = XDocument.Load(Path.Combine(Folder(project), $"{project}.csproj")).Descendants().ToList();
        var references = elements
            .Where(element => element.Name.LocalName is "ProjectReference")
            // A program that is built and started is not used as a library.
            .Where(reference => (string?)reference.Attribute("ReferenceOutputAssembly") is not "false")
            .Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!));
        Assert.All(references, reference => Assert.Contains(reference, MayUse[project]));

        var files = elements
            .Where(element => element.Name.LocalName is "Compile")
            .Select(compile => (string?)compile.Attribute("Include"))
            .OfType<string>()
            .Where(file => file.StartsWith("../", StringComparison.Ordinal))
            .Select(file => file[3..]);
        Assert.All(files, file => Assert.Contains(file, MayCompile.GetValueOrDefault(project, [])));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void AProjectNamesNoNamespaceOfWhatItMayNotUse(string project)
    {
        // A reference's own references come in too: the compiler does not object to them.
        var foreign = MayUse.Keys.Except([project, .. MayUse[project], .. MayCompile.GetValueOrDefault(project, []).Select(file => file.Split('/')[0])]);
        foreach (var (file, text) in Sources(project))
        {
            Assert.All(foreign, other => Assert.False(
                Regex.IsMatch(TextAndComment().Replace(text, ""), $@"\bClusterAspire\.{other}\b", RegexOptions.None, TimeSpan.FromSeconds(5)),
                $"{file} names ClusterAspire.{other}, which {project} may not use."));
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ANamespaceIsItsFolder(string project)
    {
        foreach (var (file, text) in Sources(project))
        {
            if (NamespaceLine().Match(text) is { Success: true } line)
            {
                var folder = Path.GetRelativePath(Path.Combine(Repository.Root, "src"), Path.GetDirectoryName(file)!).Replace(Path.DirectorySeparatorChar, '/');
                // The folders of the Bench sort its files only: it is one program that nobody references.
                var wanted = project is "Bench" ? "ClusterAspire.Bench" : $"ClusterAspire.{folder.Replace('/', '.')}";
                var name = line.Groups["name"].Value;
                Assert.True(name == wanted || (file.EndsWith("Extensions.cs", StringComparison.Ordinal) && name == Extends.GetValueOrDefault(folder)), $"{file} is in {name}, and its folder asks for {wanted}.");
            }
        }
    }

    private static string Folder(string project) => Path.Combine(Repository.Root, project is "AppHost" ? "" : "src", project);

    private static IEnumerable<(string File, string Text)> Sources(string project) =>
        Directory.EnumerateFiles(Folder(project), "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".razor", StringComparison.Ordinal))
            .Where(file => !Built().IsMatch(Path.GetRelativePath(Folder(project), file)))
            .Select(file => (file, File.ReadAllText(file)));

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex("\"[^\"\n]*\"|//.*")]
    private static partial Regex TextAndComment();

    [GeneratedRegex(@"^(bin|obj)[/\\]")]
    private static partial Regex Built();

    [GeneratedRegex(@"^\| `(?<group>[\w.]+)` \|[^|]+\| \d[^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex GroupRow();
}
