using System.Text.Json;
using ClusterAspire.Contract;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Health;
using ClusterAspire.Replica.Identity;
using ClusterAspire.Replica.Keys;
using ClusterAspire.Replica.Lane;
using ClusterAspire.Replica.Leadership;
using ClusterAspire.Replica.Link;
using ClusterAspire.Replica.Pinning;
using ClusterAspire.Replica.Requests;
using ClusterAspire.Replica.Startup;
using ClusterAspire.Replica.Supervision;
using ClusterAspire.Replica.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace ClusterAspire.Replica;

/// <summary>Makes an ASP.NET Core application a replica.</summary>
public static class ReplicaExtensions
{
    /// <summary>Adds the compute lane, graceful drain, the replica's identity and pinning, and the watch over its supervisor.</summary>
    /// <param name="builder">The application being built.</param>
    public static TBuilder AddReplica<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        // A log line for each request would cost more than /fast. Set first, so that the section Logging overrides it.
        builder.Services.Configure<LoggerFilterOptions>(logging =>
            logging.Rules.Insert(0, new(null, "Microsoft.AspNetCore", LogLevel.Warning, null)));
        // Without a formatter's name, the console logger uses its obsolete options instead of the formatter's.
        builder.Services.PostConfigure<ConsoleLoggerOptions>(console => console.FormatterName ??= ConsoleFormatterNames.Simple);
        StartupLog.AddTo(builder);
        builder.AddValidatedOptions();
        builder.Services.AddReplicaTelemetry();

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<ReplicaIdentity>();
        builder.Services.AddHostedService<ReplicaPinning>();
        builder.Services.AddSingleton<IReplicaLeader, FileReplicaLeader>();
        builder.Services.AddSharedKeys();
        builder.Services.AddSingleton<ComputeLane>();
        builder.Services.AddSingleton<ComputeRoutes>();
        builder.Services.AddSingleton(services => new Lazy<ComputeRoutes>(services.GetRequiredService<ComputeRoutes>));
        builder.Services.AddSingleton<ClientState>();
        builder.Services.AddSingleton<ProbeAnswers>();
        // Resolved late, because the server is created with its transports before options are validated.
        builder.Services.AddSingleton(services => new Lazy<ProbeAnswers>(services.GetRequiredService<ProbeAnswers>));
        builder.Services.AddSingleton<ProbeEndpoints>();
        builder.Services.AddSingleton<LinkServer>();
        builder.Services.AddSingleton<IConnectionListenerFactory, ProbeTransport>();
        builder.Services.AddExceptionHandler<ComputeLaneFull>();
        builder.Services.AddExceptionHandler<BrokenRequests>();
        builder.Services.AddProblemDetails();

        builder.Services.AddSingleton<Drain>();
        // Otherwise every probe would log its 503 as an error. Resolved late, because Drain needs a logger itself.
        builder.Services.AddOptions<LoggerFilterOptions>().Configure<IServiceProvider>((logging, services) =>
            logging.Rules.Insert(0, new(null, "Microsoft.Extensions.Diagnostics.HealthChecks", null,
                (_, _, level) => level >= LogLevel.Warning && !services.GetRequiredService<Drain>().IsDraining)));
        builder.Services.AddHostedService(services => services.GetRequiredService<Drain>());
        builder.Services.AddSingleton<IStartupFilter, ConnectionCloseFilter>();
        builder.Services.AddHostedService<SupervisorWatcher>();
        builder.Services.AddHostedService<Standby>();
        if (builder.Services.LastOrDefault(service => service.ServiceType == typeof(IHostLifetime))?.ImplementationType == typeof(ConsoleLifetime))
        {
            // Does not replace a lifetime that the application chose, such as that of a Windows service.
            builder.Services.AddSingleton<IHostLifetime, SignalLifetime>();
        }

        builder.Services.AddHealthChecks().AddCheck<DrainHealthCheck>("drain");
        return builder;
    }

    /// <summary>
    /// Maps <c>/health</c> (ready to serve: 200, or 503 while draining or when a health check fails; the body is a
    /// <see cref="ReplicaHealth"/>) and <c>/alive</c> (200 while the process is live). They come before endpoints of the
    /// same routes, such as those of the solution's own service defaults, and they answer although the thread pool is exhausted.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    public static void MapReplica(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks(Probes.Health, new() { ResponseWriter = WriteHealthAsync }).DisableHttpMetrics().WithOrder(-1);
        endpoints.MapHealthChecks(Probes.Alive, new() { Predicate = ProbeAnswers.IsLive }).DisableHttpMetrics().WithOrder(-1);
        endpoints.ServiceProvider.GetRequiredService<ProbeEndpoints>().AreMapped = true;
    }

    private static Task WriteHealthAsync(HttpContext context, HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            context.RequestServices.GetRequiredService<ProbeAnswers>().Of(report.Status), ContractJson.Default.ReplicaHealth, "application/json");

    private static void AddValidatedOptions(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<ReplicaOptions>().BindConfiguration(ReplicaOptions.Section)
            .Validate(replica => replica.Name is not "", "Replica:Name must not be empty: leave it out to use the machine's name.")
            .Validate(replica => replica.Core is null or >= 0, "Replica:Core must be the number of a core, 0 or more.")
            .Validate(replica => replica.LeaderFile is not "", "Replica:LeaderFile must not be empty: leave it out to have one in the temporary folder.")
            .Validate(replica => replica.KeyDirectory is not "", "Replica:KeyDirectory must not be empty: leave it out to have ASP.NET Core choose.")
            .ValidateOnStart();
        builder.Services.AddOptions<ComputeLaneOptions>().BindConfiguration(ComputeLaneOptions.Section)
            .Validate(lane => lane.Threads is >= 0 and <= 1024, "ComputeLane:Threads must be from 1 to 1024, or 0 for one per core.")
            .Validate(lane => lane.QueueLimit >= 0, "ComputeLane:QueueLimit must be 0 or more.")
            .Validate(lane => lane.StuckAfter is > 0 and <= 86_400, "ComputeLane:StuckAfter must be more than 0 and at most 86400 seconds.")
            .Validate(lane => lane.BodyMemory >= 0, "ComputeLane:BodyMemory must be 0 or more bytes.")
            .ValidateOnStart();
        builder.Services.AddOptions<DrainOptions>().BindConfiguration(DrainOptions.Section)
            .Validate(drain => drain.Delay is >= 0 and <= 3600, "Drain:Delay must be from 0 to 3600 seconds.")
            .Validate(drain => drain.Timeout is >= 0 and <= 3600, "Drain:Timeout must be from 0 to 3600 seconds.")
            .ValidateOnStart();
        builder.Services.AddOptions<SupervisorOptions>().BindConfiguration(SupervisorOptions.Section)
            .Validate(supervisor => supervisor.Pid is null or > 0, "Supervisor:Pid must be the number of a process.")
            .ValidateOnStart();
        builder.Services.AddOptions<TelemetryOptions>().BindConfiguration(TelemetryOptions.Section).ValidateOnStart();
    }
}
