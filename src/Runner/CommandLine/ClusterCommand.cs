using System.CommandLine;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Runner.Signals;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>
/// The command line: each switch sets a key of the section <c>Cluster</c>, over the environment, over appsettings.json.
/// </summary>
internal sealed class ClusterCommand : RootCommand
{
    private readonly Option<string>[] _switches =
    [
        Switch("--replicas", "N|auto", "How many replicas; auto is one per core this process may use. [auto]"),
        Switch("--port", "PORT", "The public port. [8080]"),
        Switch("--admin-port", "PORT", "The port of the live page, the metrics and the replica API. [8081]"),
        Switch("--replica-port", "PORT", "The first replica's port, the others follow; 0 picks free ones. [0]"),
        Switch("--runtime", "auto|process|container", "What replicas run in; auto is containers where an engine has or can build the image. [auto]"),
        Switch("--engine", "auto|docker|podman", "The container engine. [auto]"),
        Switch("--image", "NAME", "The image replicas are made of. [built from the Dockerfile]"),
        Switch("--memory", "SIZE", "The most memory each container may use, such as 256m. [no limit]"),
        Switch("--service", "PATH", "The service to run, a built .dll or executable. [the one in this repository]"),
        Switch("--name", "NAME", "What the service is called in telemetry. [service]"),
        Switch("--queue-limit", "N", "How many compute requests may wait at the load balancer for a free core. [LoadBalancer:ComputeQueueLimit, 256]"),
        Switch("--lane-queue-limit", "N", "How much work may wait in a replica's compute lane. [ComputeLane:QueueLimit, 256]"),
        Switch("--telemetry", "console|table", "Write metrics and traces to the terminal, or show a live table of the replicas. [none]"),
        Switch("--drain-timeout", "SECONDS", "How long requests in flight may take to finish at the end. [10]"),
    ];

    private readonly (Option<bool> Flag, string Key, string Value)[] _flags =
    [
        (Flag("--no-pin", "Let the replicas move between cores."), nameof(ClusterOptions.Pin), bool.FalseString),
        (Flag("--standby", "Keep a second process of each waiting, to take over when that dies."), nameof(ClusterOptions.Standby), bool.TrueString),
        (Flag("--clean", "Remove the containers that a crashed run left behind, and end."), nameof(ClusterOptions.Clean), bool.TrueString),
    ];

    /// <param name="run">Runs the cluster as configured; returns the exit code.</param>
    public ClusterCommand(Func<IConfiguration, Task<int>> run)
        : base("Runs one replica of a service on each core, behind one port.")
    {
        foreach (var option in _switches.Concat<Option>(_flags.Select(flag => flag.Flag)))
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
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    private IConfiguration Configure(ParseResult parsed)
    {
        var given = parsed.Given(_switches, ClusterOptions.Section);
        foreach (var (_, key, value) in _flags.Where(flag => parsed.GetValue(flag.Flag)))
        {
            given[$"{ClusterOptions.Section}:{key}"] = value;
        }

        try
        {
            return new ConfigurationBuilder()
                .SetBasePath(AppContext.BaseDirectory)
                .AddJsonFile("appsettings.json", optional: true)
                .AddEnvironmentVariables()
                .AddInMemoryCollection(given)
                .Build();
        }
        catch (InvalidDataException e)
        {
            throw new ClusterException($"{e.Message} {e.InnerException?.InnerException?.Message ?? e.InnerException?.Message}");
        }
    }

    private static Option<string> Switch(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description, Recursive = true };

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description, Recursive = true };
}
