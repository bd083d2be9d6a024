using System.Reflection;

namespace ClusterAspire.Template.Tests;

/// <summary>This repository, as it was built.</summary>
internal static class Clone
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = Metadata("Repository");

    /// <summary>Debug or Release.</summary>
    public static string Configuration { get; } = Metadata("Configuration");

    private static string Metadata(string key) =>
        typeof(Clone).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
