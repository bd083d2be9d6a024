using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Restarts;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Hosting;

/// <summary>Adds the load balancer.</summary>
public static class LoadBalancerResourceExtensions
{
    private const string Http = "http";
    private const string Admin = "admin";

    /// <summary>Adds the load balancer, with links to the service, the live page and the metrics.</summary>
    /// <typeparam name="TProject">Its project.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="plan">Its ports and what it is told.</param>
    public static IResourceBuilder<ProjectResource> AddLoadBalancer<TProject>(this IDistributedApplicationBuilder builder, LoadBalancerPlan plan)
        where TProject : IProjectMetadata, new()
    {
        var balancer = builder
            .AddProject<TProject>(LoadBalancerPlan.Name, ReplicatedServiceExtensions.Plainly)
            // It listens where LoadBalancer__Url and LoadBalancer__AdminUrl say.
            .WithEndpointsInEnvironment(_ => false);
        balancer = builder.ExecutionContext.IsPublishMode
            ? balancer
                .WithHttpEndpoint(targetPort: 8080, name: Http)
                .WithExternalHttpEndpoints()
                // It replaces them, whoever sends them.
                .DisableForwardedHeaders()
                .WithEnvironment("LoadBalancer__Url", "http://0.0.0.0:8080")
                .WithEnvironment("LoadBalancer__AdminUrl", "http://127.0.0.1:8081")
            : balancer
                .WithHttpEndpoint(plan.Port, plan.Port, Http, isProxied: false)
                .WithHttpEndpoint(plan.AdminPort, plan.AdminPort, Admin, isProxied: false)
                .WithEndpoint(Http, endpoint => endpoint.TargetHost = plan.Url.Host)
                .WithEndpoint(Admin, endpoint => endpoint.TargetHost = plan.AdminUrl.Host)
                .WithUrlForEndpoint(Http, url => url.DisplayText = "Service")
                .WithUrlForEndpoint(Admin, url => url.DisplayText = "Live page")
                .WithUrlForEndpoint(Admin, (EndpointReference _) => new ResourceUrlAnnotation { Url = "/metrics", DisplayText = "Metrics" })
                .WithEnvironments(plan.Environment)
                .WithRestarts();
        return balancer.WithHttpHealthCheck("/health");
    }
}
