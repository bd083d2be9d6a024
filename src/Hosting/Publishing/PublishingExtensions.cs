using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Contract;
using ClusterAspire.Hosting.Options;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Orchestration.Containers;

namespace ClusterAspire.Hosting.Publishing;

/// <summary>Publishes a service: one resource, whose number of replicas is the platform's business.</summary>
internal static class PublishingExtensions
{
    /// <summary>Adds a service to what is published.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="planned">The service.</param>
    /// <param name="add">Adds the resource that it is.</param>
    public static IResourceBuilder<ReplicatedService> AddPublished<T>(
        this IDistributedApplicationBuilder builder, PlannedService planned, Func<IResourceBuilder<T>> add)
        where T : IResourceWithEndpoints, IResourceWithEnvironment
    {
        var published = add()
            .WithHttpEndpoint(targetPort: ContainerEnvironment.Port, name: LoadBalancerExtensions.Http)
            .WithHttpHealthCheck("/health")
            // A replica is one core's worth, whatever the node has.
            .WithEnvironment(Variables.ProcessorCount, "1");
        // The service itself is not in the manifest.
        var service = builder.CreateResourceBuilder(new ReplicatedService(planned.Name, planned.Plan, planned.Started) { Published = published.Resource });
        return service.HandsOn([published.Resource]);
    }
}
