using System.Text.Json;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>
/// <c>clusteraspire.json</c>: the options of a cluster by their names, and beside them sections of the load balancer's own
/// configuration; or several services by their names, each with all of these, and beside them what holds for each of them.
/// Its paths are relative to its folder.
/// </summary>
internal static class ClusterFile
{
    /// <summary>The default name of the file.</summary>
    public const string Name = "clusteraspire.json";

    /// <summary>The schema beside it, by which editors complete it.</summary>
    public const string SchemaName = "clusteraspire.schema.json";

    private const string Services = "services";

    private static readonly string[] Balancers = ["LoadBalancer", "ReverseProxy", "Kestrel"];

    /// <summary>The services that a file names; none when it is about one alone, or is not there and was not asked for.</summary>
    /// <param name="path">The file, or null for the one in the working directory, if there is one.</param>
    /// <exception cref="ClusterException">It is not there, it is no JSON, or it names a service twice, or none.</exception>
    public static IReadOnlyList<string> ServicesOf(string? path)
    {
        if (Find(path) is not { } file)
        {
            return [];
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file), new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (json.RootElement.ValueKind is not JsonValueKind.Object
                || json.RootElement.EnumerateObject().LastOrDefault(property => property.Name.Equals(Services, StringComparison.OrdinalIgnoreCase)).Value is not { ValueKind: not JsonValueKind.Undefined } services)
            {
                return [];
            }

            List<JsonProperty> all = services.ValueKind is JsonValueKind.Object ? [.. services.EnumerateObject()] : [];
            if (all.Count is 0 || all.Exists(service => service.Value.ValueKind is not JsonValueKind.Object))
            {
                throw new ClusterException($"{Services} in {file} must be names with the options of a service each, such as {{ \"shop\": {{ \"service\": \"Shop.dll\", \"port\": 8080 }} }}.");
            }

            var names = all.ConvertAll(service => service.Name);
            return names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } twice
                ? throw new ClusterException($"{file} names two services {twice.Key}: give each a name of its own.")
                : names;
        }
        catch (JsonException e)
        {
            throw NoJson(file, e);
        }
    }

    /// <summary>The settings of a file; none when it is not there and was not asked for.</summary>
    /// <param name="path">The file, or null for the one in the working directory, if there is one.</param>
    /// <param name="service">One of its services; null for what it has beside them.</param>
    /// <exception cref="ClusterException">It is not there, it is no JSON, or there is no such service.</exception>
    public static Dictionary<string, string?> Read(string? path, string? service)
    {
        if (Find(path) is not { } file)
        {
            return [];
        }

        try
        {
            var configuration = new ConfigurationBuilder().AddJsonFile(file).Build();
            var settings = configuration.AsEnumerable()
                .Where(setting => setting.Value is not null && setting.Key is not "$schema" && !IsOf(setting.Key, Services))
                .ToDictionary(setting => setting.Key, setting => setting.Value!, StringComparer.OrdinalIgnoreCase);
            if (service is not null)
            {
                Add(configuration.GetSection(Services).GetSection(service), settings);
            }

            return settings
                .Select(setting => Place(setting.Key, setting.Value, Path.GetDirectoryName(file)!))
                .OfType<(string, string)>()
                .ToDictionary(setting => setting.Item1, setting => (string?)setting.Item2);
        }
        catch (InvalidDataException e)
        {
            throw NoJson(file, e.InnerException?.InnerException ?? e.InnerException ?? e);
        }
    }

    private static string? Find(string? path)
    {
        var file = Path.GetFullPath(path ?? Name);
        return File.Exists(file) ? file
            : path is null ? null : throw new ClusterException($"{file} does not exist: clusteraspire init writes one.");
    }

    private static ClusterException NoJson(string file, Exception why) => new($"{file} is no JSON: {why.Message}");

    // What a service says wins over what holds for each; a list takes the place of the other as a whole.
    private static void Add(IConfigurationSection service, Dictionary<string, string> settings)
    {
        if (!service.Exists())
        {
            throw new ClusterException($"{service.Path} is no longer in {Name}.");
        }

        if (service[nameof(ClusterOptions.Name)] is not null)
        {
            throw new ClusterException($"{service.Path}:name is not an option: a service is called {service.Key} by its key.");
        }

        foreach (var list in service.GetChildren().Where(option => option.GetSection("0").Exists()))
        {
            foreach (var key in settings.Keys.Where(key => IsOf(key, list.Key)).ToList())
            {
                settings.Remove(key);
            }
        }

        foreach (var (key, value) in service.AsEnumerable(makePathsRelative: true).Where(setting => setting.Value is not null))
        {
            settings[key] = value!;
        }
    }

    private static bool IsOf(string key, string section) => key.Split(':')[0].Equals(section, StringComparison.OrdinalIgnoreCase);

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
