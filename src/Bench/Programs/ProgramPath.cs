using System.Reflection;

namespace ClusterAspire.Bench;

/// <summary>Where the programs are that were built with Bench.</summary>
internal static class ProgramPath
{
    /// <summary>Bench itself.</summary>
    public static string Bench { get; } = typeof(ProgramPath).Assembly.Location;

    /// <summary>The runner.</summary>
    public static string Runner => Built("ClusterAspire.Runner");

    /// <summary>The slow/fast service.</summary>
    public static string Service => Built("ClusterAspire.Service");

    /// <summary>The load balancer.</summary>
    public static string LoadBalancer => Built("ClusterAspire.LoadBalancer");

    private static string Built(string name)
    {
        var path = typeof(ProgramPath).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == name)?.Value;
        return path is not null && File.Exists(path)
            ? path
            : throw new BenchException($"{name} is not built: run dotnet build -c Release src/Bench.");
    }
}
