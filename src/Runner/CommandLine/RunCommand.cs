using System.CommandLine;
using System.Text.RegularExpressions;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary><c>run</c>: runs the user's own service, for others to use.</summary>
internal sealed partial class RunCommand : Command
{
    /// <summary>What it is called.</summary>
    public const string Verb = "run";

    private const string Production = "Production";
    private static readonly string[] Environments = ["ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"];

    private readonly Argument<string?> _path = new("PATH")
    {
        Description = "A built .dll or executable, a project, or the folder of one of these. [service in clusteraspire.json]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <param name="services">The services that are meant, with the settings that are made of all others.</param>
    /// <param name="run">Runs them.</param>
    /// <param name="arguments">What stood behind <c>--</c>: the service's arguments.</param>
    public RunCommand(Func<ParseResult, Func<IConfiguration, Dictionary<string, string?>>, IReadOnlyList<ConfiguredService>> services, Func<IReadOnlyList<ConfiguredService>, Task<int>> run, Func<string[]> arguments)
        : base(Verb, "Runs a service, or those in clusteraspire.json: clusteraspire run path/to/Your.dll [-- its arguments]")
    {
        Add(_path);
        SetAction(parsed =>
        {
            var path = parsed.GetValue(_path);
            var all = services(parsed, configuration => Settings(configuration, path, arguments()));
            return all.Count is 1 || (path is null && arguments() is []) ? run(all) : throw ConfiguredService.Several(all.Select(service => service.Name));
        });
    }

    private static Dictionary<string, string?> Settings(IConfiguration configuration, string? path, string[] arguments)
    {
        var service = path is null ? configuration[Key(nameof(ClusterOptions.Service))] : Path.GetFullPath(path);
        if (service is null && configuration[Key(nameof(ClusterOptions.Image))] is null)
        {
            throw new ClusterException($"Name what to run: clusteraspire run path/to/Your.dll, or \"service\" in {ClusterFile.Name}, which clusteraspire init writes.");
        }

        var settings = new Dictionary<string, string?>();
        if (service is not null)
        {
            settings[Key(nameof(ClusterOptions.Service))] = service;
            settings[Key(nameof(ClusterOptions.Name))] = configuration[Key(nameof(ClusterOptions.Name))] ?? NameOf(service);
        }

        // A program reads redirected output, such as the journal: JSON.
        settings[Key(nameof(ClusterOptions.Log))] = configuration[Key(nameof(ClusterOptions.Log))] ?? (Console.IsOutputRedirected ? "json" : "text");
        foreach (var (i, argument) in arguments.Index())
        {
            settings[Key($"{nameof(ClusterOptions.Args)}:{i}")] = argument;
        }

        // In Development, the default of a start from the sources, the live page offers its experiment.
        if (Array.TrueForAll(Environments, name => Environment.GetEnvironmentVariable(name) is null))
        {
            settings[Key($"{nameof(ClusterOptions.Settings)}:{Environments[0]}")] = Production;
        }

        return settings;
    }

    private static string Key(string option) => $"{ClusterOptions.Section}:{option}";

    // Lower case and dashes: Shop.Api.dll becomes shop-api.
    private static string NameOf(string service)
    {
        var program = Directory.Exists(service) ? Directory.EnumerateFiles(service).FirstOrDefault(file => Extension().IsMatch(file) && !file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)) : null;
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(program ?? service));
        name = Extension().Replace(name, "");
        name = NotInNames().Replace(name.ToLowerInvariant(), "-").TrimStart('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        name = name[..Math.Min(name.Length, 40)].TrimEnd('-');
        return name is "" ? "service" : name;
    }

    [GeneratedRegex(@"\.(dll|exe|runtimeconfig\.json|[a-z]+proj)$", RegexOptions.IgnoreCase)]
    private static partial Regex Extension();

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex NotInNames();
}
