using System.Reflection;

namespace ClusterAspire.Tests;

/// <summary>The repository that these tests were built in.</summary>
internal static class Repository
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = Path.TrimEndingDirectorySeparator(Metadata("Repository"));

    /// <summary>Debug or Release.</summary>
    public static string Configuration { get; } = Metadata("Configuration");

    /// <summary>The built assembly of a project in <c>src/</c>.</summary>
    public static string Output(string project) => Path.Combine(Root, "src", project, "bin", Configuration, "net10.0", $"ClusterAspire.{project}.dll");

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
