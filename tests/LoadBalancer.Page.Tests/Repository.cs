using System.Reflection;

namespace ClusterAspire.LoadBalancer.Page.Tests;

/// <summary>Where the built projects are.</summary>
internal static class Repository
{
    /// <summary>The repository's root.</summary>
    public static string Root => Metadata("Repository");

    /// <summary>A project's built assembly.</summary>
    public static string Output(string project) =>
        Path.Combine(Root, "src", project, "bin", Metadata("Configuration"), "net10.0", $"ClusterAspire.{project}.dll");

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == key).Value!;
}
