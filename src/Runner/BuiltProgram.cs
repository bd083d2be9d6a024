using System.Reflection;

namespace ClusterAspire.Runner;

/// <summary>The programs that are built with the Runner and lie in its output; its project file puts them there.</summary>
internal static class BuiltProgram
{
    public static string Service => Path("ClusterAspire.Service");

    public static string LoadBalancer => Path("ClusterAspire.LoadBalancer");

    /// <summary>The folder of the sources they were built from, where the Dockerfile is: perhaps only on the machine that built them.</summary>
    public static string Source => typeof(BuiltProgram).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "ClusterAspire.Source").Value!;

    /// <summary>The project of <see cref="Service"/>, where its source is.</summary>
    public static string ServiceProject => System.IO.Path.Combine(Source, "src", "Service", "Service.csproj");

    private static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "programs", name, $"{name}.dll");
}
