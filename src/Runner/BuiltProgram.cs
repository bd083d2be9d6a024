using System.Reflection;

namespace ClusterAspire.Runner;

/// <summary>Where the programs that are built with the AppHost are; its project file writes that down.</summary>
internal static class BuiltProgram
{
    public static string Service => Path("ClusterAspire.Service");

    public static string LoadBalancer => Path("ClusterAspire.LoadBalancer");

    /// <summary>The folder of the sources they were built from, where the Dockerfile is.</summary>
    public static string Source => Path("ClusterAspire.Source");

    private static string Path(string name) => typeof(BuiltProgram).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(program => program.Key == name).Value!;
}
