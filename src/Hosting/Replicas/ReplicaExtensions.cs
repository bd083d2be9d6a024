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
    // A replica that is asked to stop says so at /health for longer than the balancer's probes are apart (1 s), and serves. In s.
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
            // Aspire starts processes unpinned. .NET sizes itself by the variable before Replica pins the process.
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
            // A process has the AppHost's environment. Where telemetry goes is Aspire's business.
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

    /// <summary>Tells a process what its plan says; what its telemetry is called is Aspire's business.</summary>
    public static IResourceBuilder<T> WithPlanned<T>(this IResourceBuilder<T> builder, IReadOnlyDictionary<string, string> environment)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context =>
        {
            foreach (var (name, value) in environment.Where(variable => variable.Key is not (Variables.ServiceName or Variables.ResourceAttributes)))
            {
                context.EnvironmentVariables[name] = value;
            }

            // In ms. The dashboard is near, or it is not there (in tests): then a process would export for 15 s at its end.
            context.EnvironmentVariables["OTEL_EXPORTER_OTLP_TIMEOUT"] = "2000";
            context.EnvironmentVariables["DOTNET_ENVIRONMENT"] = builder.ApplicationBuilder.Environment.EnvironmentName;
            if (builder.Resource is ProjectResource)
            {
                // When the process that the dashboard shows is killed, the one it started ends too and frees the port.
                context.EnvironmentVariables[Variables.SupervisorParent] = "true";
            }
        });

    private static string NameOf(this IResourceBuilder<ReplicatedService> service, ReplicaPlan replica) => $"{service.Resource.Name}-{replica.Name}";

    // Aspire sets the first of these alone; the others come with the AppHost's environment, which a process inherits.
    private static IResourceBuilder<ProjectResource> ListensAt(this IResourceBuilder<ProjectResource> builder, Uri address) => builder.WithEnvironment(context =>
    {
        foreach (var (name, value) in Listening.At(address.GetLeftPart(UriPartial.Authority)))
        {
            context.EnvironmentVariables[name] = value;
        }
    });

    private static IResourceBuilder<T> WithEndpointOf<T>(this IResourceBuilder<T> builder, ReplicaPlan replica, int targetPort)
        where T : IResourceWithEndpoints => builder
        // Not proxied: the balancer talks to the replica itself, at the plan's address.
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

    // Each row's telemetry is its own in the dashboard, which goes by service.name; what they have in common is the namespace.
    private static IResourceBuilder<T> WithTelemetryOf<T>(this IResourceBuilder<T> builder, ReplicatedService service)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context =>
        {
            context.EnvironmentVariables.TryGetValue(Variables.ResourceAttributes, out var attributes);
            context.EnvironmentVariables[Variables.ResourceAttributes] = string.Join(',', ((string?[])[attributes as string, $"service.namespace={service.Plan.Name}"]).OfType<string>());
        });
}
