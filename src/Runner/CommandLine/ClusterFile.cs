using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>
/// <c>clusteraspire.json</c>: the options of a cluster by their names, and beside them sections of the load balancer's own
/// configuration. Its paths are relative to its folder.
/// </summary>
internal static class ClusterFile
{
    /// <summary>What it is called where no other file is named.</summary>
    public const string Name = "clusteraspire.json";

    /// <summary>The schema beside it, by which editors complete it.</summary>
    public const string SchemaName = "clusteraspire.schema.json";

    private static readonly string[] Balancers = ["LoadBalancer", "ReverseProxy", "Kestrel"];

    /// <summary>The settings of a file; none when it is not there and was not asked for.</summary>
    /// <param name="path">The file, or null for the one in the working directory, if there is one.</param>
    /// <exception cref="ClusterException">It is not there, or no JSON.</exception>
    public static Dictionary<string, string?> Read(string? path)
    {
        var file = Path.GetFullPath(path ?? Name);
        if (!File.Exists(file))
        {
            return path is null ? [] : throw new ClusterException($"{file} does not exist: clusteraspire init writes one.");
        }

        try
        {
            var configuration = new ConfigurationBuilder().AddJsonFile(file).Build();
            return configuration.AsEnumerable()
                .Where(setting => setting.Value is not null && setting.Key is not "$schema")
                .Select(setting => Place(setting.Key, setting.Value!, Path.GetDirectoryName(file)!))
                .OfType<(string, string)>()
                .ToDictionary(setting => setting.Item1, setting => (string?)setting.Item2);
        }
        catch (InvalidDataException e)
        {
            throw new ClusterException($"{file} is no JSON: {e.InnerException?.InnerException?.Message ?? e.InnerException?.Message ?? e.Message}");
        }
    }

    private static (string Key, string Value)? Place(string key, string value, string folder)
    {
        var section = key.Split(':')[0];
        if (!Balancers.Contains(section, StringComparer.OrdinalIgnoreCase))
        {
            var isPath = key.Equals(nameof(ClusterOptions.Service), StringComparison.OrdinalIgnoreCase);
            return ($"{ClusterOptions.Section}:{key}", isPath ? Path.Combine(folder, value) : value);
        }

        // The environment wins, as it does for every option.
        return Environment.GetEnvironmentVariable(key.Replace(":", "__", StringComparison.Ordinal)) is not null ? null
            : ($"{ClusterOptions.Section}:{nameof(ClusterOptions.Settings)}:{key}", IsCertificate(key) ? Path.Combine(folder, value) : value);
    }

    private static bool IsCertificate(string key) =>
        key.StartsWith("Kestrel:Certificates:", StringComparison.OrdinalIgnoreCase)
        && (key.EndsWith(":Path", StringComparison.OrdinalIgnoreCase) || key.EndsWith(":KeyPath", StringComparison.OrdinalIgnoreCase));
}
