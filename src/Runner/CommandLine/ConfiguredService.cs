using ClusterAspire.Orchestration;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>A service, as the command line and clusteraspire.json have it.</summary>
/// <param name="Name">What it is called among several; null where it is the only one.</param>
/// <param name="Read">Reads its configuration, anew each time.</param>
internal sealed record ConfiguredService(string? Name, Func<IConfiguration> Read)
{
    /// <summary>What to say where this one is what the user has to change.</summary>
    public ClusterException Named(ClusterException mistake) => Name is null ? mistake : new($"{Name}: {mistake.Message}");

    /// <summary>What to say where one is meant and there are several.</summary>
    public static ClusterException Several(IEnumerable<string?> names) =>
        new($"Several services are in {ClusterFile.Name}, {string.Join(", ", names)}: say which by {ClusterCommand.NameSwitch}.");
}
