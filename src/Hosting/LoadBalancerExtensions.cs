using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Contract;
using ClusterAspire.Hosting;
using ClusterAspire.Hosting.Options;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Hosting.Restarts;
using ClusterAspire.Hosting.Status;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace Aspire.Hosting;

/// <summary>Adds load balancers.</summary>
public static class LoadBalancerExtensions
{
    /// <summary>The name of a load balancer's public endpoint.</summary>
    public const string Http = "http";

    /// <summary>The name of its endpoint with the live page, the metrics and the replica API.</summary>
    public const string Admin = "admin";

    /// <summary>Adds a load balancer, with links to the service, the live page and the metrics.</summary>
    /// <typeparam name="TProject">Its project, which references ClusterAspire.LoadBalancer.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">Its name.</param>
    /// <param name="port">Its public TCP port; null for <c>Cluster:Port</c>, or a free one when another load balancer has that.</param>
    /// <param name="adminPort">The TCP port of the live page; null for <c>Cluster:AdminPort</c>, or a free one likewise.</param>
    public static IResourceBuilder<ProjectResource> AddLoadBalancer<TProject>(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port = null, int? adminPort = null)
        where TProject : IProjectMetadata, new() =>
        ClusterSettings.Explain(builder, settings =>
        {
            var plan = settings.PlanLoadBalancer(name, port, adminPort);
            var balancer = builder
                .AddProject<TProject>(name, ReplicaExtensions.FromThePlan)
                // LoadBalancer__Url and LoadBalancer__AdminUrl say where it listens.
                .WithEndpointsInEnvironment(_ => false);
            balancer.WithAnnotation(new LoadBalancerAnnotation(balancer.Resource, plan));
            return (builder.ExecutionContext.IsPublishMode ? balancer.Published() : balancer.Running(plan, LivenessLimits.Of(settings.Cluster()))).WithHttpHealthCheck("/health", endpointName: Http);
        });

    /// <summary>Puts a load balancer in front of a service; gives other resources the address of the one that is there.</summary>
    /// <param name="builder">The load balancer, or a resource that calls the service.</param>
    /// <param name="service">The service.</param>
    public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, IResourceBuilder<ReplicatedService> service)
        where T : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(service);
        return builder.Resource.TryGetLastAnnotation<LoadBalancerAnnotation>(out var balancer)
            ? builder.Balancing(service.Resource, balancer).WithReferenceRelationship(service)
            : builder.Calling(service.Resource).WithReferenceRelationship(service);
    }

    private static IResourceBuilder<ProjectResource> Published(this IResourceBuilder<ProjectResource> balancer) => balancer
        .WithHttpEndpoint(targetPort: 8080, name: Http)
        .WithExternalHttpEndpoints()
        // The load balancer replaces forwarded headers that clients send.
        .DisableForwardedHeaders()
        .WithEnvironment(Variables.LoadBalancerUrl, "http://0.0.0.0:8080")
        .WithEnvironment(Variables.LoadBalancerAdminUrl, "http://127.0.0.1:8081");

    private static IResourceBuilder<ProjectResource> Running(
        this IResourceBuilder<ProjectResource> balancer, LoadBalancerPlan plan, LivenessLimits limits) => balancer
        .WithHttpEndpoint(plan.Port, plan.Port, Http, isProxied: false)
        .WithHttpEndpoint(plan.AdminPort, plan.AdminPort, Admin, isProxied: false)
        .WithEndpoint(Http, endpoint => endpoint.TargetHost = plan.Url.Host)
        .WithEndpoint(Admin, endpoint => endpoint.TargetHost = plan.AdminUrl.Host)
        .WithUrlForEndpoint(Http, url => url.DisplayText = "Service")
        .WithUrlForEndpoint(Admin, url => url.DisplayText = "Live page")
        .WithUrlForEndpoint(Admin, (EndpointReference _) => new ResourceUrlAnnotation { Url = "/metrics", DisplayText = "Metrics" })
        .WithPlanned(plan.Environment)
        .OnBeforeResourceStarted((resource, starting, _) => StartFailure.ExplainAsync(resource, starting.Services, () =>
        {
            plan.EnsurePortsAreFree();
            return Task.CompletedTask;
        }))
        .OnResourceReady((_, ready, _) => Announcement.MakeAsync(ready.Services, plan))
        .WithRestarts(new(plan.Url, "alive"), limits);

    private static IResourceBuilder<T> Balancing<T>(this IResourceBuilder<T> builder, ReplicatedService service, LoadBalancerAnnotation balancer)
        where T : IResourceWithEnvironment
    {
        if (balancer.Service is { } other)
        {
            throw new DistributedApplicationException($"{builder.Resource.Name} balances {other.Name} already: add another load balancer for {service.Name}.");
        }

        (balancer.Service, service.LoadBalancer) = (service, balancer);
        return service.Published is { } published
            // By DNS: on platforms that support it, the name has a record for each replica.
            ? builder
                .WithEnvironment(Variables.Discovery, "dns")
                .WithEnvironment(Variables.DestinationAddress("pods"), published.GetEndpoint(Http))
            : builder.WithEnvironment(context =>
            {
                foreach (var replica in service.Replicas)
                {
                    context.EnvironmentVariables[Variables.DestinationAddress(replica.Plan.Name)] = replica.Resource.GetEndpoint(Http);
                }
            });
    }

    // The variable of Aspire's service discovery. Evaluated late, because the load balancer may be added later.
    private static IResourceBuilder<T> Calling<T>(this IResourceBuilder<T> builder, ReplicatedService service)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context =>
            context.EnvironmentVariables[$"services__{service.Name}__{Http}__0"] = service.LoadBalancer is { } balancer
                ? balancer.Resource.GetEndpoint(Http)
                : throw new DistributedApplicationException($"{builder.Resource.Name} references {service.Name}, which no load balancer references: add one by AddLoadBalancer(…).WithReference({service.Name})."));
}
