using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting;
using ClusterAspire.Hosting.Commands;
using ClusterAspire.Hosting.Options;
using ClusterAspire.Hosting.Publishing;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Hosting.Status;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace Aspire.Hosting;

/// <summary>
/// Adds services that run as one replica per core. Unlike with Aspire's <c>WithReplicas</c>, a load balancer can distinguish the
/// replicas. Each is pinned to its core and restarted when it ends; the dashboard scales and restarts them.
/// </summary>
public static class ReplicatedServiceExtensions
{
    /// <summary>
    /// Adds a replica of a project for each core: a process each, or with <c>Cluster:Runtime=container</c> a container of the
    /// image that the nearest Dockerfile gives, in the project's folder or above it (its stage <c>service</c>).
    /// </summary>
    /// <typeparam name="TProject">The service's project.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">The service's name.</param>
    /// <param name="replicas">How many replicas, unless <c>Cluster:Replicas</c> says; null for one per core.</param>
    public static IResourceBuilder<ReplicatedService> AddReplicatedProject<TProject>(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int? replicas = null)
        where TProject : IProjectMetadata, new() =>
        ClusterSettings.Explain(builder, settings =>
            builder.ExecutionContext.IsPublishMode ? builder.AddPublished(
                settings, settings.Plan(name, replicas), settings.ImageOf(name), () => builder.AddProject<TProject>(name, ReplicaExtensions.FromThePlan))
            : settings.Cluster().Runtime is RuntimeKind.Container ? builder.AddContainers(
                settings, name, replicas, new(settings.ImageOf(name), settings.Cluster(), settings.Build())
                {
                    Folder = settings.Cluster().Image is null ? DockerfileFolder(new TProject().ProjectPath) : null,
                    Stage = "service",
                })
            : builder.AddReplicas(settings.Plan(name, replicas), (service, replica) => builder.AddReplica<TProject>(service, replica)));

    /// <summary>Adds a replica of a container for each core, each with a cpuset of its core, a read-only root and no capabilities.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The service's name.</param>
    /// <param name="image">The image, which listens at the port that <c>ASPNETCORE_HTTP_PORTS</c> says.</param>
    /// <param name="replicas">How many replicas, unless <c>Cluster:Replicas</c> says; null for one per core.</param>
    public static IResourceBuilder<ReplicatedService> AddReplicatedContainer(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string image, int? replicas = null) =>
        ClusterSettings.Explain(builder, settings =>
            builder.ExecutionContext.IsPublishMode
                ? builder.AddPublished(settings, settings.Plan(name, replicas), image, () => builder.AddContainer(name, image))
                : builder.AddContainers(settings, name, replicas, new(image, settings.Cluster(), settings.Build())));

    /// <summary>Adds a replica for each core of the image that a Dockerfile gives, as <see cref="AddReplicatedContainer"/> does of an image.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The service's name.</param>
    /// <param name="contextPath">The folder of the Dockerfile, from the AppHost's folder on.</param>
    /// <param name="stage">The Dockerfile's stage, or null for its last one.</param>
    /// <param name="replicas">How many replicas, unless <c>Cluster:Replicas</c> says; null for one per core.</param>
    public static IResourceBuilder<ReplicatedService> AddReplicatedDockerfile(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string contextPath, string? stage = null, int? replicas = null) =>
        ClusterSettings.Explain(builder, settings =>
        {
            var folder = Path.GetFullPath(contextPath, builder.AppHostDirectory);
            return builder.ExecutionContext.IsPublishMode
                ? builder.AddPublished(settings, settings.Plan(name, replicas), settings.ImageOf(name), () => builder.AddDockerfile(name, folder, stage: stage))
                : builder.AddContainers(settings, name, replicas, new(settings.ImageOf(name), settings.Cluster(), settings.Build()) { Folder = folder, Stage = stage });
        });

    /// <summary>Lets an HTTP endpoint say whether a replica is healthy, besides <c>/health</c>.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="path">The endpoint's path.</param>
    /// <param name="statusCode">The status it answers with when it is healthy; null for 200.</param>
    public static IResourceBuilder<ReplicatedService> WithHttpHealthCheck(this IResourceBuilder<ReplicatedService> builder, string path, int? statusCode = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        foreach (var replica in builder.Resource.Replicas)
        {
            builder.ApplicationBuilder.CreateResourceBuilder(replica.Resource).WithHttpHealthCheck(path, statusCode, LoadBalancerExtensions.Http);
        }

        return builder;
    }

    private static IResourceBuilder<ReplicatedService> AddContainers(
        this IDistributedApplicationBuilder builder, ClusterSettings settings, string name, int? replicas, ContainerImage image)
    {
        if (settings.Cluster().Engine is not EngineKind.Auto and var engine)
        {
            builder.Configuration["ASPIRE_CONTAINER_RUNTIME"] = engine.ToString().ToLowerInvariant();
        }

        return builder.AddReplicas(settings.Plan(name, replicas), (service, replica) => builder.AddReplica(service, replica, image));
    }

    private static IResourceBuilder<ReplicatedService> AddReplicas(
        this IDistributedApplicationBuilder builder, PlannedService planned, Action<IResourceBuilder<ReplicatedService>, ReplicaPlan> add)
    {
        var service = builder.AddResource(new ReplicatedService(planned.Name, planned.Plan, planned.Started) { Limits = LivenessLimits.Of(planned.Options) })
            .WithInitialState(new()
            {
                ResourceType = "Service",
                State = KnownResourceStates.Starting,
                Properties = [],
            })
            .WithIconName("CopySelect")
            .WithScaling()
            .WithRollingRestart()
            .WithStatus();
        foreach (var replica in planned.Plan.Replicas)
        {
            add(service, replica);
        }

        return service.CopyAnnotationsTo(service.Resource.Replicas.Select(replica => (IResource)replica.Resource));
    }

    private static string DockerfileFolder(string project)
    {
        for (var folder = Path.GetDirectoryName(project); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Dockerfile")))
            {
                return folder;
            }
        }

        throw new ClusterException(
            $"There is no Dockerfile beside {project} or above it to build the service's image from: name an image by {ClusterOptions.Switch(nameof(ClusterOptions.Image))}, or run the replicas as processes (--runtime process).");
    }
}
