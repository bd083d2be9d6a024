using System.CommandLine;
using System.Reflection;
using Aspire.Hosting;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.CommandLine;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Kubernetes;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Hosting.Options;

/// <summary>The cluster's settings of one AppHost: its configuration and switches, and the ports that were given away.</summary>
internal sealed class ClusterSettings
{
    // Switches that Aspire's own tools pass to an AppHost.
    private static readonly string[] AspireSwitches =
        ["--operation", "--publisher", "--step", "--output-path", "--log-level", "--include-exception-details", "--clear-cache", "--yes", "--environment", "--list-steps"];

    // Keyed by the services: a builder of Aspire.Hosting.Testing wraps the AppHost's builder.
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<IServiceCollection, ClusterSettings> All = [];

    private readonly IDistributedApplicationBuilder _builder;
    private readonly HashSet<int> _taken = [];
    private bool _hasLoadBalancer;

    private ClusterSettings(IDistributedApplicationBuilder builder)
    {
        foreach (var (key, value) in Switches(builder))
        {
            builder.Configuration[key] = value;
        }

        _builder = builder;
        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) => ReportAndExit(builder, unhandled.ExceptionObject as Exception);
    }

    /// <summary>The settings of an AppHost.</summary>
    /// <exception cref="ClusterException">A switch is misspelt.</exception>
    public static ClusterSettings Of(IDistributedApplicationBuilder builder) => All.GetValue(builder.Services, _ => new(builder));

    /// <summary>
    /// Adds resources and explains a setting that is not valid: an AppHost that runs as a program writes the sentence and ends with exit
    /// code 1; an AppHost in a test throws the exception.
    /// </summary>
    public static T Explain<T>(IDistributedApplicationBuilder builder, Func<ClusterSettings, T> add)
    {
        try
        {
            return add(Of(builder));
        }
        catch (ClusterException e)
        {
            ReportAndExit(builder, e);
            throw new DistributedApplicationException(e.Message, e);
        }
    }

    /// <summary>What the user chose for a service or a load balancer.</summary>
    /// <exception cref="ClusterException">An option is not valid.</exception>
    public ClusterOptions Cluster() => ClusterOptions.From(_builder.Configuration);

    /// <summary>How the user wants images built.</summary>
    /// <exception cref="ClusterException">An option is not valid.</exception>
    public BuildOptions Build() => BuildOptions.From(_builder.Configuration);

    /// <summary>What the user wants of Kubernetes.</summary>
    /// <param name="image">The service's image, unless <c>Cluster:Kubernetes:ServiceImage</c> names another.</param>
    /// <exception cref="ClusterException">An option is not valid.</exception>
    public KubernetesOptions Kubernetes(string? image = null) => KubernetesOptions.From(_builder.Configuration, image);

    /// <summary>What a service's image is called when it is built here.</summary>
    public string ImageOf(string name) => Cluster().Image ?? $"clusteraspire/{name}:1.0.0";

    /// <summary>Plans a service: its replicas, and one for every other core to scale into.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="replicas">How many replicas the AppHost wants; the user's settings win.</param>
    /// <exception cref="ClusterException">An option is not valid, or cannot be used with Aspire.</exception>
    public PlannedService Plan(string name, int? replicas)
    {
        var options = Cluster();
        Refuse(options.Service is not null, nameof(options.Service), "names a built program, and Aspire runs projects");
        foreach (var option in options.RunnerOnly())
        {
            Refuse(true, option, "is the runner's");
        }

        Refuse(options.Standby, nameof(options.Standby), "keeps processes waiting, which Aspire cannot tell to serve");
        Refuse(options.Clean, nameof(options.Clean), "removes what the runner left behind");
        Refuse(options.Telemetry is TelemetryKind.Table, nameof(options.Telemetry), "table is the terminal's, and Aspire has its dashboard");
        options.Name = _builder.Configuration[$"{ClusterOptions.Section}:{nameof(options.Name)}"] ?? name;
        if (options.Replicas is "auto" && replicas is { } count)
        {
            options.Replicas = $"{count}";
        }

        var publishes = _builder.ExecutionContext.IsPublishMode;
        var machine = publishes ? KubernetesOptions.Machine : Machine.Current with { IsFree = IsFree };
        var plan = ClusterPlan.Create(options, machine);
        var started = plan.Replicas.Count;
        if (!publishes && plan.Replicas[0].Core is not null)
        {
            // Unpinned replicas share all cores.
            plan = ClusterPlan.Create(options, machine, atLeast: machine.Cores.Count);
        }

        _taken.UnionWith(plan.Replicas.Select(replica => replica.Port));
        return new(name, options, plan, started);
    }

    /// <summary>Plans a load balancer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="port">Its public port, or null for the configured one or a free one.</param>
    /// <param name="adminPort">Its admin port, likewise.</param>
    /// <exception cref="ClusterException">An option is not valid.</exception>
    public LoadBalancerPlan PlanLoadBalancer(string name, int? port, int? adminPort)
    {
        var options = Cluster();
        if (_hasLoadBalancer)
        {
            // The first load balancer gets the configured ports.
            (options.Port, options.AdminPort) = (port ?? FreePort(), adminPort ?? FreePort());
        }

        (options.Port, options.AdminPort) = (port ?? options.Port, adminPort ?? options.AdminPort);
        _hasLoadBalancer = true;
        _taken.UnionWith([options.Port, options.AdminPort]);
        return LoadBalancerPlan.Create(options, name);
    }

    // The user can also change what prevents Aspire itself from starting, such as a port of the dashboard that is in use.
    private static void ReportAndExit(IDistributedApplicationBuilder builder, Exception? failure)
    {
        var cause = failure is AggregateException { InnerExceptions: [var only] } ? only : failure;
        if (builder.AppHostAssembly == Assembly.GetEntryAssembly()
            && cause is ClusterException or DistributedApplicationException or OptionsValidationException or IOException or TimeoutException)
        {
            Console.Error.WriteLine(cause.Message);
#pragma warning disable RS0030 // Nothing serves yet, and this method cannot return an exit code.
            Environment.Exit(1);
#pragma warning restore RS0030
        }
    }

    private static void Refuse(bool given, string option, string why)
    {
        if (given)
        {
            throw new ClusterException($"{ClusterOptions.Switch(option)} {why}: leave it out, or run src/Runner.");
        }
    }

    private bool IsFree(int port) => Machine.Current.IsFree(port) && !_taken.Contains(port);

    // From 8080 on, where people look for a service.
    private int FreePort()
    {
        var port = Enumerable.Range(8080, 1000).First(IsFree);
        _taken.Add(port);
        return port;
    }

    private static Dictionary<string, string?> Switches(IDistributedApplicationBuilder builder)
    {
        var args = CommandLine(builder);
        var switches = new ClusterSwitches();
        var command = new RootCommand { TreatUnmatchedTokensAsErrors = false };
        foreach (var option in switches.Options)
        {
            command.Add(option);
        }

        var parsed = command.Parse(args);
        var unknown = parsed.UnmatchedTokens.FirstOrDefault(token =>
            token.StartsWith("--", StringComparison.Ordinal) && !token.Contains(':', StringComparison.Ordinal));
        return parsed.Errors is [var error, ..] ? throw new ClusterException($"{error.Message.TrimEnd('.')}.")
            : unknown is not null && !args.Any(IsAspireSwitch) ? throw new ClusterException(
                $"{unknown.Split('=')[0]} is not a switch: the switches are {string.Join(", ", switches.Options.Select(option => option.Name))}.")
            : switches.Settings(parsed);
    }

    private static string[] CommandLine(IDistributedApplicationBuilder builder)
    {
        // The host and the application each have the command line as a source, and Aspire.Hosting.Testing gives it twice in one.
        var args = builder.Configuration.Sources.OfType<CommandLineConfigurationSource>().LastOrDefault()?.Args.ToArray() ?? [];
        var half = args.Length / 2;
        return args.Length % 2 is 0 && args.AsSpan(0, half).SequenceEqual(args.AsSpan(half)) ? args[..half] : args;
    }

    private static bool IsAspireSwitch(string arg) => AspireSwitches.Contains(arg.Split('=')[0]);
}
