using System.CommandLine;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.CommandLine;

/// <summary>The command line's switches: each sets a key of the configuration section <c>Cluster</c>.</summary>
public sealed class ClusterSwitches
{
    private readonly Option<string>[] _values =
    [
        Value("--replicas", "N|auto", "How many replicas; auto is one per core this process may use. [auto]"),
        Value("--port", "PORT", "The public port. [8080]"),
        Value("--listen", "ADDRESS[;ADDRESS]", "Where clients connect besides: http://*:80, https://*:443, http://unix:/path, systemd. [none]"),
        Value("--admin-port", "PORT", "The port of the live page, the metrics and the replica API. [8081]"),
        Value("--replica-port", "PORT", "The first replica's port, the others follow; 0 picks free ones. [0]"),
        Value("--runtime", "auto|process|container", "What replicas run in; auto is containers where an engine has or can build the image. [auto]"),
        Value("--engine", "auto|docker|podman", "The container engine. [auto]"),
        Value("--image", "NAME", "The image replicas are made of. [built from the Dockerfile]"),
        Value("--memory", "SIZE", "The most memory each container may use, such as 256m. [no limit]"),
        Value("--service", "PATH", "The service to run, a built .dll or executable. [the one in this repository]"),
        Value("--name", "NAME", "What the service is called in telemetry. [service]"),
        Value("--affinity", "none|cookie", "Whether a client's requests go to the same replica, by a cookie. [none]"),
        Value("--queue-limit", "N", "How many compute requests may wait at the load balancer for a free core. [LoadBalancer:ComputeQueueLimit, 256]"),
        Value("--lane-queue-limit", "N", "How much work may wait in a replica's compute lane. [ComputeLane:QueueLimit, 256]"),
        Value("--telemetry", "console|table", "Write metrics and traces to the terminal, or show a live table of the replicas. [none]"),
        Value("--log", "text|json", "How to write to the output. [text; of run, json where that is no terminal]"),
        Value("--start-wave", "N", "How many replicas start at a time. [one on each core]"),
        Value("--restart-memory", "SIZE", "Replaces a replica that uses more memory, such as 512m. [no limit]"),
        Value("--restart-age", "SECONDS", "Replaces a replica after that time, give or take a tenth; 0 is never. [0]"),
        Value("--restart-requests", "N", "Replaces a replica after so many requests, give or take a tenth; 0 is never. [0]"),
        Value("--start-timeout", "SECONDS", "How long a replica may take to its first answer before it is restarted. [60]"),
        Value("--liveness-timeout", "SECONDS", "How long a replica may leave /alive unanswered before it is restarted; 0 is no limit. [30]"),
        Value("--drain-timeout", "SECONDS", "How long requests in flight may take to finish at the end. [10]"),
    ];

    private readonly (Option<bool> Flag, string Key, string Value)[] _flags =
    [
        (Flag("--no-pin", "Let the replicas move between cores."), nameof(ClusterOptions.Pin), bool.FalseString),
        (Flag("--standby", "Keep a second process of each waiting, to take over when that dies."), nameof(ClusterOptions.Standby), bool.TrueString),
        (Flag("--aot", "Compile the service's project by Native AOT, so that replicas start sooner."), nameof(ClusterOptions.Aot), bool.TrueString),
        (Flag("--clean", "Remove the containers that a crashed run left behind, and end."), nameof(ClusterOptions.Clean), bool.TrueString),
    ];

    /// <summary>The switches, for a command to have.</summary>
    public IEnumerable<Option> Options => [.. _values, .. _flags.Select(flag => flag.Flag)];

    /// <summary>The settings of those switches that a command line gives.</summary>
    /// <param name="parsed">The command line.</param>
    public Dictionary<string, string?> Settings(ParseResult parsed)
    {
        var settings = SwitchSettings.Given(parsed, _values, ClusterOptions.Section);
        foreach (var (_, key, value) in _flags.Where(flag => parsed.GetValue(flag.Flag)))
        {
            settings[$"{ClusterOptions.Section}:{key}"] = value;
        }

        return settings;
    }

    private static Option<string> Value(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description, Recursive = true };

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description, Recursive = true };
}
