using System.Reflection;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Where the repository and what was built in it are.</summary>
internal static class Build
{
    public static string Repository { get; } = Metadata("Repository");

    public static string LoadBalancer { get; } = Program("src", "LoadBalancer");

    public static string Service { get; } = Program("src", "Service");

    public static string Runner { get; } = Program("src", "Runner");

    private static string Program(string folder, string name) =>
        Path.Combine(Repository, folder, name, "bin", Metadata("Configuration"), "net10.0", $"ClusterAspire.{name}.dll");

    private static string Metadata(string key) =>
        typeof(Build).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
