using System.CommandLine;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.CommandLine;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Runner.Signals;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>
/// The command line: each switch sets a key of the section <c>Cluster</c>, over the environment, over appsettings.json.
/// </summary>
internal sealed class ClusterCommand : RootCommand
{
    private readonly ClusterSwitches _switches = new();

    /// <param name="run">Runs the cluster as configured; returns the exit code.</param>
    public ClusterCommand(Func<IConfiguration, Task<int>> run)
        : base("Runs one replica of a service on each core, behind one port.")
    {
        foreach (var option in _switches.Options)
        {
            Add(option);
        }

        Add(new Command("publish", "Writes the plan for another target instead of running it.") { new PublishKubernetesCommand(Configure) });
        SetAction(parsed => run(Configure(parsed)));
    }

    /// <summary>Runs what the command line asks for, and says in one sentence what the user has to change.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string[] args)
    {
        try
        {
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

    private IConfiguration Configure(ParseResult parsed)
    {
        try
        {
            return new ConfigurationBuilder()
                .SetBasePath(AppContext.BaseDirectory)
                .AddJsonFile("appsettings.json", optional: true)
                .AddEnvironmentVariables()
                .AddInMemoryCollection(_switches.Settings(parsed))
                .Build();
        }
        catch (InvalidDataException e)
        {
            throw new ClusterException($"{e.Message} {e.InnerException?.InnerException?.Message ?? e.InnerException?.Message}");
        }
    }
}
