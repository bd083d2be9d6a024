using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Pipelines;
using ClusterAspire.Contract;
using ClusterAspire.Hosting.Options;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Kubernetes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Publishing;

/// <summary>Publishes a service: as one resource, whose number of replicas is the platform's business, and as Kubernetes manifests.</summary>
internal static partial class PublishingExtensions
{
    /// <summary>Adds a service to what is published.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="settings">Its settings.</param>
    /// <param name="planned">The service.</param>
    /// <param name="image">Its image, unless the configuration names another for Kubernetes.</param>
    /// <param name="add">Adds the resource that it is.</param>
    public static IResourceBuilder<ReplicatedService> AddPublished<T>(
        this IDistributedApplicationBuilder builder, ClusterSettings settings, PlannedService planned, string image, Func<IResourceBuilder<T>> add)
        where T : IResourceWithEndpoints, IResourceWithEnvironment
    {
        var published = add()
            .WithHttpEndpoint(targetPort: ContainerEnvironment.Port, name: LoadBalancerExtensions.Http)
            .WithHttpHealthCheck("/health")
            // A replica uses one core, however many the node has.
            .WithEnvironment(Variables.ProcessorCount, "1")
            .WithEnvironment(Variables.ThreadPoolSpinLimit, Variables.NoThreadPoolSpin);
        // The service itself is not in the manifest.
        var service = builder.CreateResourceBuilder(new ReplicatedService(planned.Name, planned.Plan, planned.Started) { Published = published.Resource });
        builder.AddKubernetesStep(settings, planned, image);
        return service.CopyAnnotationsTo([published.Resource]);
    }

    // aspire publish uses the publisher of the runner's publish k8s.
    private static void AddKubernetesStep(this IDistributedApplicationBuilder builder, ClusterSettings settings, PlannedService planned, string image)
    {
        // A mistake in the configuration ends the start.
        settings.Kubernetes();
#pragma warning disable ASPIREPIPELINES001, ASPIREPIPELINES004 // Experimental, and the only way to take part in aspire publish.
        builder.Pipeline.AddStep(
            $"publish-{planned.Name}-k8s",
            context =>
            {
                var directory = Path.Combine(context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory(), "k8s", planned.Name);
                // It names the pods' image already.
                planned.Options.Image = null;
                var publisher = new KubernetesPublisher(planned.Options, settings.Kubernetes(image));
                publisher.Publish(directory);
                Log.Published(context.Logger, planned.Name, directory, publisher.ApplyCommand(directory));
                return Task.CompletedTask;
            },
            requiredBy: WellKnownPipelineSteps.Publish);
#pragma warning restore ASPIREPIPELINES001, ASPIREPIPELINES004
    }

    private static partial class Log
    {
        [LoggerMessage(8, LogLevel.Information, "The Kubernetes manifests of {Service} are in {Directory}. To apply them: {Command}")]
        public static partial void Published(ILogger logger, string service, string directory, string command);
    }
}
