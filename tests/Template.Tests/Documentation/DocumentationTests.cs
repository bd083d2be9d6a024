using System.Reflection;
using System.Text.RegularExpressions;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Replica.Identity;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Template.Tests.Documentation;

/// <summary>What the documentation says beside what the code has.</summary>
public sealed partial class DocumentationTests
{
    private const string Begin = "<!-- From the option types: UPDATE_DOCS=1 writes it. -->\n";
    private const string End = "<!-- End of what is written. -->";

    private static readonly Assembly[] Assemblies = [typeof(ClusterOptions).Assembly, typeof(LoadBalancerOptions).Assembly, typeof(ReplicaOptions).Assembly];
    private static readonly Assembly Hosting = typeof(Hosting.ReplicatedService).Assembly;

    [Fact]
    public void ConfigurationHasEveryKeyOfEverySection()
    {
        var file = Path.Combine(Repository.Root, "docs", "configuration.md");
        var page = File.ReadAllText(file);
        var start = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        IsWritten(file, $"{page[..start]}{OptionsReference.Of(Assemblies)}\n{page[page.IndexOf(End, StringComparison.Ordinal)..]}");
    }

    [Fact]
    public void EditorsKnowEveryKeyOfEverySection()
    {
        foreach (var assembly in Assemblies)
        {
            var project = assembly.GetName().Name!.Split('.')[^1];
            IsWritten(Path.Combine(Repository.Root, "src", project, "ConfigurationSchema.json"), ConfigurationSchema.Of(assembly));
        }
    }

    [Fact]
    public void TroubleshootingHasEveryWarningAndError()
    {
        var page = Plain(File.ReadAllText(Path.Combine(Repository.Root, "docs", "troubleshooting.md")));
        var messages = Assemblies.Append(Hosting).SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .Where(log => log is { Level: >= LogLevel.Warning, Message.Length: > 0 })
            .SelectMany(log => Placeholder().Split(log!.Message).Select(part => Plain(part).Trim(' ', '.', ':', '\'', '(', ')', ';', ',')))
            .Where(part => part.Length > 12)
            .ToList();

        Assert.NotEmpty(messages);
        Assert.All(messages, part => Assert.Contains(part, page, StringComparison.Ordinal));
    }

    [Fact]
    public void TroubleshootingHasEverySentenceThatEndsAProgram()
    {
        var page = Plain(File.ReadAllText(Path.Combine(Repository.Root, "docs", "troubleshooting.md")));
        var parts = ((string[])["Hosting", "LoadBalancer", "Orchestration", "Replica", "Runner"])
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", project), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(file => Sentence().Matches(File.ReadAllText(file)))
            .Select(sentence => string.Concat(Literal().Matches(sentence.Groups["text"].Value).Select(literal => literal.Groups["text"].Value.Replace("\\\"", "\"", StringComparison.Ordinal))))
            .SelectMany(text => Hole().Split(text).Select(part => Plain(part).Trim(' ', '.', ':', '\'', '(', ')', ';', ',')))
            .Where(part => part.Length > 12)
            .ToList();

        Assert.NotEmpty(parts);
        Assert.All(parts, part => Assert.Contains(part, page, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryLinkLeadsToAFileOrAHeading()
    {
        var pages = Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md")).Append(Path.Combine(Repository.Root, "CONTRIBUTING.md"));
        foreach (var page in pages)
        {
            foreach (var target in Link().Matches(File.ReadAllText(page)).Select(link => link.Groups["target"].Value).Where(target => !target.Contains("://", StringComparison.Ordinal)))
            {
                var (path, heading) = (target.Split('#')[0], target.Split('#').ElementAtOrDefault(1));
                var file = path.Length is 0 ? page : Path.GetFullPath(path, Path.GetDirectoryName(page)!);
                Assert.True(Path.Exists(file), $"{page} links to {target}, which does not exist.");
                Assert.True(heading is null || Headings(file).Contains(heading), $"{page} links to {target}, and there is no such heading.");
            }
        }
    }

    [Fact]
    public void EveryPageIsInTheIndex()
    {
        var docs = Path.Combine(Repository.Root, "docs");
        var index = File.ReadAllText(Path.Combine(docs, "README.md")) + File.ReadAllText(Path.Combine(docs, "decisions", "README.md"));
        Assert.All(
            Directory.GetFiles(docs, "*.md", SearchOption.AllDirectories).Select(Path.GetFileName).Where(name => name is not ("README.md" or "results.md")),
            name => Assert.Contains($"{name})", index, StringComparison.Ordinal));
    }

    [Fact]
    public void TheReadmeIsShort()
    {
        var words = File.ReadAllText(Path.Combine(Repository.Root, "README.md")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.InRange(words, 1, 700);
    }

    private static void IsWritten(string file, string wanted)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") is "1")
        {
            File.WriteAllText(file, wanted);
        }

        Assert.True(wanted == File.ReadAllText(file), $"{file} is not what the option types say: run this test with UPDATE_DOCS=1.");
    }

    private static IEnumerable<string> Headings(string file) => File.ReadLines(file)
        .Where(line => line.StartsWith('#'))
        .Select(line => NotInAnchors().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    private static string Plain(string text) => Spaces().Replace(text, " ");

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex("""(?:new (?:ClusterException|DistributedApplicationException)|Console\.Error\.WriteLine)\((?:[^"();]*\?)?\s*(?<text>(?:\$?"(?:[^"\\]|\\.)*"\s*\+?\s*)+)""")]
    private static partial Regex Sentence();

    [GeneratedRegex("""
        "(?<text>(?:[^"\\]|\\.)*)"
        """)]
    private static partial Regex Literal();

    // A brace, or an interpolation; one with a text in it ends what was matched.
    [GeneratedRegex(@"\{\{|\}\}|\{[^{}]*(\}|$)")]
    private static partial Regex Hole();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
