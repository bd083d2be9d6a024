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
    private readonly ClusterSwitches _switches = new();
    private readonly Option<string> _file = new("--config")
    {
        HelpName = "FILE",
        Description = $"The cluster's options. [{ClusterFile.Name}, if there is one here]",
        Recursive = true,
    };

    private string[] _serviceArguments = [];

    /// <param name="run">Runs the cluster as configured, by a function that reads the configuration anew; returns the exit code.</param>
    public ClusterCommand(Func<Func<IConfiguration>, Task<int>> run)
        : base("Runs one replica of a service on each core, behind one port.")
    {
        foreach (var option in _switches.Options)
        {
            Add(option);
        }

        Add(_file);
        Add(new RunCommand((parsed, settings) => run(() => Configure(parsed, settings)), () => _serviceArguments));
        Add(new InitCommand());
        foreach (var command in ControlCommands.Of(Configure))
        {
            Add(command);
        }

        Add(new Command("publish", "Writes the plan for another target instead of running it.") { new PublishKubernetesCommand(Configure), new PublishComposeCommand(Configure), new PublishSystemdCommand(Configure, _file) });
        SetAction(parsed => run(() => Configure(parsed)));
    }

    /// <summary>Runs what the command line asks for, and says in one sentence what the user has to change.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string[] args)
    {
        try
        {
            // All that follows is the service's, whatever it looks like.
            if (args is [RunCommand.Verb, ..] && Array.IndexOf(args, "--") is > 0 and var end)
            {
                (args, _serviceArguments) = (args[..end], args[(end + 1)..]);
            }

            var parsed = Parse(args);
            return parsed.Errors is [var error, ..]
                ? throw new ClusterException($"{error.Message.TrimEnd('.')}: --help lists the switches there are.")
                // Signals are for StopSignals.
                : await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (ClusterException e)
        {
            await SayAsync(e.Message);
            return 1;
        }
    }

    // Not for ever, should nobody take it.
    private static async Task SayAsync(string message)
    {
        var said = Task.Run(() => Console.Error.WriteLine(message));
        await Task.WhenAny(said, Task.Delay(TimeSpan.FromSeconds(2)));
    }

    private IConfiguration Configure(ParseResult parsed) => Configure(parsed, _ => []);

    private IConfiguration Configure(ParseResult parsed, Func<IConfiguration, Dictionary<string, string?>> more)
    {
        try
        {
            var all = new ConfigurationBuilder()
                .SetBasePath(AppContext.BaseDirectory)
                .AddJsonFile("appsettings.json", optional: true)
                .AddInMemoryCollection(ClusterFile.Read(parsed.GetValue(_file)))
                .AddEnvironmentVariables()
                .AddInMemoryCollection(_switches.Settings(parsed));
            return all.AddInMemoryCollection(more(all.Build())).Build();
        }
        catch (InvalidDataException e)
        {
            throw new ClusterException($"{e.Message} {e.InnerException?.InnerException?.Message ?? e.InnerException?.Message}");
        }
    }
}
