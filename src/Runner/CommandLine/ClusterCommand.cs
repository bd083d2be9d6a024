using System.CommandLine;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.CommandLine;
using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>
/// The command line: each switch sets a key of the section <c>Cluster</c>, over the environment, over clusteraspire.json.
/// </summary>
internal sealed class ClusterCommand : RootCommand
{
    /// <summary>The switch that says which service is meant.</summary>
    public const string NameSwitch = "--name";

    /// <summary>The switch that says which cluster is meant.</summary>
    public const string PortSwitch = "--port";

    private readonly ClusterSwitches _switches = new();
    private readonly Option<string> _file = new("--config")
    {
        HelpName = "FILE",
        Description = $"The cluster's options. [{ClusterFile.Name}, if there is one here]",
        Recursive = true,
    };

    private string[] _serviceArguments = [];

    /// <param name="run">Runs the services as configured; returns the exit code.</param>
    public ClusterCommand(Func<IReadOnlyList<ConfiguredService>, Task<int>> run)
        : base("Runs one replica of a service on each core, behind one port.")
    {
        foreach (var option in _switches.Options)
        {
            Add(option);
        }

        Add(_file);
        Add(new RunCommand(Services, run, () => _serviceArguments));
        Add(new InitCommand());
        foreach (var command in ControlCommands.Of(parsed => Services(parsed, _ => [])))
        {
            Add(command);
        }

        Add(new Command("publish", "Writes the plan for another target instead of running it.")
        {
            new PublishKubernetesCommand(Only),
            new PublishComposeCommand(Only),
            new PublishSystemdCommand(parsed => All(parsed, _ => []), parsed => Configure(parsed, null, _ => []), _file),
        });
        SetAction(parsed => run(Services(parsed, _ => [])));
    }

    /// <summary>Runs what the command line asks for, and says in one sentence what the user has to change.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string[] args)
    {
        try
        {
            // All arguments after -- are the service's.
            if (args is [RunCommand.Verb, ..] && Array.IndexOf(args, "--") is > 0 and var end)
            {
                (args, _serviceArguments) = (args[..end], args[(end + 1)..]);
            }

            var parsed = Parse(args);
            return parsed.Errors is [var error, ..]
                ? throw new ClusterException($"{error.Message.TrimEnd('.')}: --help lists the switches there are.")
                // StopSignals handles the signals.
                : await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (ClusterException e)
        {
            await SayAsync(e.Message);
            return 1;
        }
    }

    // With a limit: a pipe that nobody reads would block for ever.
    private static async Task SayAsync(string message)
    {
        var said = Task.Run(() => Console.Error.WriteLine(message));
        await Task.WhenAny(said, Task.Delay(TimeSpan.FromSeconds(2)));
    }

    /// <summary>The services that are meant: all, or the one that <c>--name</c> names.</summary>
    private IReadOnlyList<ConfiguredService> Services(ParseResult parsed, Func<IConfiguration, Dictionary<string, string?>> more)
    {
        var all = All(parsed, more);
        return all is [{ Name: null }] || parsed.GetValue<string>(NameSwitch) is not { } wanted ? all
            : all.FirstOrDefault(service => service.Name == wanted) is { } one ? [one with { Name = null }]
            : throw new ClusterException($"There is no service {wanted} in {parsed.GetValue(_file) ?? ClusterFile.Name}: there are {string.Join(", ", all.Select(service => service.Name))}.");
    }

    private IReadOnlyList<ConfiguredService> All(ParseResult parsed, Func<IConfiguration, Dictionary<string, string?>> more) =>
        ClusterFile.ServicesOf(parsed.GetValue(_file)) is [_, ..] names
            ? [.. names.Select(name => new ConfiguredService(name, () => Configure(parsed, name, more)))]
            : [new(null, () => Configure(parsed, null, more))];

    /// <summary>The configuration of the one service that is meant.</summary>
    private IConfiguration Only(ParseResult parsed)
    {
        var services = Services(parsed, _ => []);
        return services is [var only] ? only.Read() : throw ConfiguredService.Several(services.Select(service => service.Name));
    }

    private IConfiguration Configure(ParseResult parsed, string? service, Func<IConfiguration, Dictionary<string, string?>> more)
    {
        try
        {
            var all = new ConfigurationBuilder()
                .SetBasePath(AppContext.BaseDirectory)
                .AddJsonFile("appsettings.json", optional: true)
                .AddInMemoryCollection(ClusterFile.Read(parsed.GetValue(_file), service))
                .AddEnvironmentVariables()
                .AddInMemoryCollection(_switches.Settings(parsed));
            if (service is not null)
            {
                all.AddInMemoryCollection([new($"{ClusterOptions.Section}:{nameof(ClusterOptions.Name)}", service)]);
            }

            return all.AddInMemoryCollection(more(all.Build())).Build();
        }
        catch (InvalidDataException e)
        {
            throw new ClusterException($"{e.Message} {e.InnerException?.InnerException?.Message ?? e.InnerException?.Message}");
        }
    }
}
