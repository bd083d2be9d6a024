using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>A file of Kubernetes objects.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Manifests">What is in it, in order.</param>
internal sealed record ManifestFile(string Name, params IReadOnlyList<Manifest> Manifests)
{
    private const string Head = "# Written by dotnet run --project src/Runner -- publish k8s: change the plan or an overlay, not this file.\n";

    private static readonly ISerializer Yaml = new SerializerBuilder()
        .WithNamingConvention(CamelCaseNamingConvention.Instance)
        .ConfigureDefaultValuesHandling(DefaultValuesHandling.OmitNull)
        .WithIndentedSequences()
        // A string such as "8080" or "true" stays one.
        .WithQuotingNecessaryStrings()
        .WithNewLine("\n")
        .DisableAliases()
        .Build();

    /// <summary>The file's text: YAML documents.</summary>
    public override string ToString() => Head + string.Join("---\n", Manifests.Select(Write));

    /// <summary>An object as YAML.</summary>
    public static string Serialize(object content) => Yaml.Serialize(content);

    private static string Write(Manifest manifest) =>
        string.Concat(manifest.Why.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"# {line}\n")) + Serialize(manifest.Content);
}
