using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Restarts;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Hosting;

/// <summary>
/// Adds what Aspire's <c>WithReplicas</c> is not for: replicas that a load balancer can tell apart, each pinned to its core,
/// as projects or as containers, restarted when they end, scaled and rolled over from the dashboard.
/// </summary>
public static class ReplicatedServiceExtensions
{
    private const string Http = "http";

    // A replica that is asked to stop says so at /health for longer than the balancer's probes are apart (1 s), and serves.
    private const string DrainDelay = "1.5";

    /// <summary>Adds a service as the plan says. Publishing, it is one resource with that many replicas.</summary>
    /// <typeparam name="TProject">The service's project; it uses ServiceDefaults.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">The service's name in the dashboard.</param>
    /// <param name="plan">Where each replica runs.</param>
    /// <param name="started">How many replicas to start; the others are room to scale into. All by default.</param>
    /// <param name="image">What the replicas' containers are made of; null runs the project.</param>
    public static IResourceBuilder<ReplicatedService> AddReplicated<TProject>(
        this IDistributedApplicationBuilder builder, string name, ClusterPlan plan, int? started = null, ReplicaImage? image = null)
        where TProject : IProjectMetadata, new()
    {
        var service = new ReplicatedService(name, plan, started ?? plan.Replicas.Count);
        if (builder.ExecutionContext.IsPublishMode)
        {
            service.Published = builder.AddPublished<TProject>(service).Resource;
            // Nothing of its own in the manifest.
            return builder.CreateResourceBuilder(service);
        }

        var added = builder.AddResource(service)
            .WithInitialState(new()
            {
                ResourceType = "Service",
                State = KnownResourceStates.Starting,
                Properties = [],
            })
            .WithIconName("CopySelect")
            .WithScaling()
            .WithRollingRestart()
            .OnInitializeResource(ReplicatedServiceStatus.KeepAsync);
        if (image is not null)
        {
            // The engine that has the image, where Aspire would pick another.
            builder.Configuration["ASPIRE_CONTAINER_RUNTIME"] = image.Engine;
        }

        foreach (var replica in plan.Replicas)
        {
            if (image is null)
            {
                builder.AddReplica<TProject>(added, replica);
            }
            else
            {
                builder.AddReplica(added, replica, image);
            }
        }

        return added;
    }

    /// <summary>Tells a load balancer where the service's replicas are.</summary>
    /// <param name="balancer">The load balancer.</param>
    /// <param name="service">The service.</param>
    public static IResourceBuilder<T> WithDestinations<T>(this IResourceBuilder<T> balancer, IResourceBuilder<ReplicatedService> service)
        where T : IResourceWithEnvironment
    {
        if (service.Resource.Published is { } published)
        {
            // By the name's DNS records, which are all replicas' where the platform has it so.
            return balancer
                .WithEnvironment("LoadBalancer__Discovery", "dns")
                .WithEnvironment("ReverseProxy__Clusters__service__Destinations__pods__Address", published.GetEndpoint(Http));
        }

        // The addresses are in its plan already.
        return balancer.WithReferenceRelationship(service);
    }

    private static IResourceBuilder<ProjectResource> AddPublished<TProject>(this IDistributedApplicationBuilder builder, ReplicatedService service)
        where TProject : IProjectMetadata, new() => builder
        .AddProject<TProject>(service.Name, Plainly)
        .WithReplicas(service.Started)
        .WithHttpEndpoint(targetPort: ContainerEnvironment.Port, name: Http)
        .WithHttpHealthCheck("/health")
        // A replica is one core's worth, whatever the node has.
        .WithEnvironment("DOTNET_PROCESSOR_COUNT", "1");

    private static void AddReplica<TProject>(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ReplicatedService> service, ReplicaPlan replica)
        where TProject : IProjectMetadata, new() => builder
        .AddProject<TProject>(replica.Name, Plainly)
        .WithEndpointOf(replica, replica.Port)
        .PinsItself(replica)
        .AsReplica(service, replica);

    private static void AddReplica(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ReplicatedService> service, ReplicaPlan replica, ReplicaImage image) => builder
        .AddContainer(replica.Name, image.Name)
        .WithContainerRuntimeArgs([.. image.Limits(replica.Core)])
        .WithEndpointOf(replica, ContainerEnvironment.Port)
        .WithEnvironment("ASPNETCORE_HTTP_PORTS", ContainerEnvironment.Port.ToString(CultureInfo.InvariantCulture))
        .Inheriting()
        .WithOtlpExporter()
        .AsReplica(service, replica);

    // A process has the AppHost's environment. Where telemetry goes is Aspire's business.
    private static IResourceBuilder<ContainerResource> Inheriting(this IResourceBuilder<ContainerResource> builder) =>
        builder.WithEnvironment(context =>
        {
            foreach (var (name, value) in ContainerEnvironment.Inherited.Where(variable => !variable.Key.StartsWith("OTEL_", StringComparison.Ordinal)))
            {
                context.EnvironmentVariables.TryAdd(name, value);
            }
        });

    // Aspire starts processes unpinned. The .NET runtime sizes itself by the variable before ServiceDefaults pins the process.
    private static IResourceBuilder<ProjectResource> PinsItself(this IResourceBuilder<ProjectResource> builder, ReplicaPlan replica) =>
        replica.Core is null ? builder : builder.WithEnvironment("Replica__Pin", "true").WithEnvironment("DOTNET_PROCESSOR_COUNT", "1");

    private static IResourceBuilder<T> WithEndpointOf<T>(this IResourceBuilder<T> builder, ReplicaPlan replica, int targetPort)
        where T : IResourceWithEndpoints => builder
        // Not proxied: the balancer talks to the replica itself, at the plan's address.
        .WithHttpEndpoint(replica.Port, targetPort, Http, isProxied: false)
        .WithEndpoint(Http, endpoint => endpoint.TargetHost = replica.Address.Host);

    private static void AsReplica<T>(this IResourceBuilder<T> builder, IResourceBuilder<ReplicatedService> service, ReplicaPlan replica)
        where T : IResourceWithEnvironment, IResourceWithEndpoints
    {
        builder
            .WithParentRelationship(service)
            .WithHttpHealthCheck("/health")
            .WithEnvironments(replica.Environment)
            .WithEnvironment("Drain__Delay", DrainDelay)
            .WithRestarts();
        if (replica.Core is { } core)
        {
            builder.WithProperty("Core", core);
        }

        if (service.Resource.Replicas.Count >= service.Resource.Started)
        {
            builder.WithExplicitStart();
        }

        service.Resource.Add(replica, builder.Resource);
    }

    private static IResourceBuilder<T> WithProperty<T>(this IResourceBuilder<T> builder, string name, object value)
        where T : IResource =>
        builder.OnInitializeResource((resource, initialize, _) =>
            initialize.Notifications.PublishUpdateAsync(resource, now => now with { Properties = [.. now.Properties, new(name, value) { IsHighlighted = true }] }));

    // Endpoints and environment come from the plan, not from a profile that several replicas would share.
    internal static void Plainly(ProjectResourceOptions options)
    {
        options.ExcludeLaunchProfile = true;
        options.ExcludeKestrelEndpoints = true;
    }

    internal static IResourceBuilder<T> WithEnvironments<T>(this IResourceBuilder<T> builder, IReadOnlyDictionary<string, string> environment)
        where T : IResourceWithEnvironment
    {
        // In the environment's last callback, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are the plan's, not Aspire's.
        return builder.WithEnvironment(context =>
        {
            foreach (var (name, value) in environment)
            {
                context.EnvironmentVariables[name] = value;
            }

            // In ms. The dashboard is near, or it is not there (in tests): then a process would spend 15 s on its last words.
            context.EnvironmentVariables["OTEL_EXPORTER_OTLP_TIMEOUT"] = "2000";
            context.EnvironmentVariables["DOTNET_ENVIRONMENT"] = builder.ApplicationBuilder.Environment.EnvironmentName;
            if (builder.Resource is ProjectResource)
            {
                // Kill what the dashboard calls the process, and the port is free for the next one.
                context.EnvironmentVariables["Supervisor__Parent"] = "true";
            }
        });
    }
}
