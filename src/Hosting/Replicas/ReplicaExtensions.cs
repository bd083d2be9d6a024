using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Contract;
using ClusterAspire.Hosting.Restarts;
using ClusterAspire.Hosting.Status;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Runtime;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.Hosting.Replicas;

/// <summary>Adds the resources that replicas are.</summary>
internal static class ReplicaExtensions
{
    // In seconds. A replica that is asked to stop answers 503 at /health and serves for longer than the interval of the probes (1 s).
    private const string DrainDelay = "1.5";

    /// <summary>Adds a replica that is a process of a project.</summary>
    public static void AddReplica<TProject>(this IDistributedApplicationBuilder builder, IResourceBuilder<ReplicatedService> service, ReplicaPlan replica)
        where TProject : IProjectMetadata, new()
    {
        var added = builder
            .AddProject<TProject>(service.NameOf(replica), FromThePlan)
            .WithEndpointOf(replica, replica.Port)
            .ListensAt(replica.Address)
            .AsReplica(service, replica);
        if (replica.Core is not null)
        {
            // Aspire starts processes unpinned. .NET reads the variable before ClusterAspire.Replica pins the process.
            added.WithEnvironment(Variables.ReplicaPin, "true").WithEnvironment(Variables.ProcessorCount, "1");
        }
    }

    /// <summary>Adds a replica that is a container.</summary>
    public static void AddReplica(this IDistributedApplicationBuilder builder, IResourceBuilder<ReplicatedService> service, ReplicaPlan replica, ContainerImage image) => builder
        .AddContainer(service.NameOf(replica), image.Name)
        .WithContainerRuntimeArgs([.. image.Limits(replica.Core)])
        .WithEndpointOf(replica, ContainerEnvironment.Port)
        .WithEnvironment(Variables.HttpPorts, ContainerEnvironment.Port.ToString(CultureInfo.InvariantCulture))
        .WithEnvironment(context =>
        {
            // A process inherits the AppHost's environment, so a container gets it too. Aspire sets where telemetry goes.
            foreach (var (name, value) in ContainerEnvironment.Inherited.Where(variable => !variable.Key.StartsWith("OTEL_", StringComparison.Ordinal)))
            {
                context.EnvironmentVariables.TryAdd(name, value);
            }
        })
        .WithOtlpExporter()
        .OnBeforeResourceStarted((resource, starting, cancellationToken) => StartFailure.ExplainAsync(
            resource, starting.Services, () => image.PrepareAsync(starting.Services, service.Resource, cancellationToken)))
        .AsReplica(service, replica);

    /// <summary>Endpoints and environment come from the plan, not from a profile that several replicas would share.</summary>
    public static void FromThePlan(ProjectResourceOptions options)
    {
        options.ExcludeLaunchProfile = true;
        options.ExcludeKestrelEndpoints = true;
    }

    /// <summary>Sets the plan's variables. Aspire sets the names in telemetry.</summary>
    public static IResourceBuilder<T> WithPlanned<T>(this IResourceBuilder<T> builder, IReadOnlyDictionary<string, string> environment)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context =>
        {
            foreach (var (name, value) in environment.Where(variable => variable.Key is not (Variables.ServiceName or Variables.ResourceAttributes)))
            {
                context.EnvironmentVariables[name] = value;
            }

            // In milliseconds. The dashboard is on this machine. Without one, as in tests, a process would try to export for 15 s when it ends.
            context.EnvironmentVariables["OTEL_EXPORTER_OTLP_TIMEOUT"] = "2000";
            context.EnvironmentVariables["DOTNET_ENVIRONMENT"] = builder.ApplicationBuilder.Environment.EnvironmentName;
            if (builder.Resource is ProjectResource)
            {
                // When the process that the dashboard shows (dotnet run) is killed, the service that it started ends too and frees the port.
                context.EnvironmentVariables[Variables.SupervisorParent] = "true";
            }
        });

    private static string NameOf(this IResourceBuilder<ReplicatedService> service, ReplicaPlan replica) => $"{service.Resource.Name}-{replica.Name}";

    // Aspire sets only the first of these. A process inherits the others from the AppHost's environment.
    private static IResourceBuilder<ProjectResource> ListensAt(this IResourceBuilder<ProjectResource> builder, Uri address) => builder.WithEnvironment(context =>
    {
        foreach (var (name, value) in Listening.At(address.GetLeftPart(UriPartial.Authority)))
        {
            context.EnvironmentVariables[name] = value;
        }
    });

    private static IResourceBuilder<T> WithEndpointOf<T>(this IResourceBuilder<T> builder, ReplicaPlan replica, int targetPort)
        where T : IResourceWithEndpoints => builder
        // Not proxied: the load balancer connects to the replica itself, at the plan's address.
        .WithHttpEndpoint(replica.Port, targetPort, LoadBalancerExtensions.Http, isProxied: false)
        .WithEndpoint(LoadBalancerExtensions.Http, endpoint => endpoint.TargetHost = replica.Address.Host);

    private static IResourceBuilder<T> AsReplica<T>(this IResourceBuilder<T> builder, IResourceBuilder<ReplicatedService> service, ReplicaPlan replica)
        where T : IResourceWithEnvironment, IResourceWithEndpoints
    {
        var healthCheck = $"{builder.Resource.Name}_health_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().AddCheck(healthCheck, new ReplicaHealthCheck(replica));
        builder
            .WithParentRelationship(service)
            .WithHealthCheck(healthCheck)
            .WithUrls(context =>
            {
                if (service.Resource.LoadBalancer is { } balancer)
                {
                    context.Urls.Add(new() { Url = balancer.Plan.AdminUrl.GetLeftPart(UriPartial.Authority), DisplayText = "Live page" });
                }
            })
            .WithPlanned(replica.Environment)
            .WithEnvironment(Variables.DrainDelay, DrainDelay)
            .WithTelemetryOf(service.Resource)
            .WithRestarts(new(replica.Address, "alive"), service.Resource.Limits);
        if (replica.Core is { } core)
        {
            builder.OnInitializeResource((resource, initialize, _) =>
                initialize.Notifications.PublishUpdateAsync(resource, now => now with { Properties = now.Properties.With("Core", core) }));
        }

        if (service.Resource.Replicas.Count >= service.Resource.Started)
        {
            builder.WithExplicitStart();
        }

        service.Resource.Add(new(replica, builder.Resource));
        return builder;
    }

    // The dashboard assigns telemetry to a row by service.name, so each replica has its own. All share service.namespace.
    private static IResourceBuilder<T> WithTelemetryOf<T>(this IResourceBuilder<T> builder, ReplicatedService service)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context =>
        {
            context.EnvironmentVariables.TryGetValue(Variables.ResourceAttributes, out var attributes);
            context.EnvironmentVariables[Variables.ResourceAttributes] = string.Join(',', ((string?[])[attributes as string, $"service.namespace={service.Plan.Name}"]).OfType<string>());
        });
}
