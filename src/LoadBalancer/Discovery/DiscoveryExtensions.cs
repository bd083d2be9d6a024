using System.Net;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Discovery.Kubernetes;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>Adds discovery.</summary>
internal static class DiscoveryExtensions
{
    /// <summary>Finds destinations as <see cref="LoadBalancerOptions.Discovery"/> says, and adds the check that the first has been found.</summary>
    public static void AddDiscovery(this IServiceCollection services)
    {
        services.AddSingleton<NameLookup>(Dns.GetHostAddressesAsync);
        services.AddSingleton<DnsEndpoints>();
        services.AddSingleton<KubernetesEndpoints>();
        services.AddSingleton<IEndpointSource>(provider => provider.GetRequiredService<IOptions<LoadBalancerOptions>>().Value.Discovery switch
        {
            DiscoveryKind.Kubernetes => provider.GetRequiredService<KubernetesEndpoints>(),
            DiscoveryKind.Auto when ServiceAccount.IsMounted => provider.GetRequiredService<KubernetesEndpoints>(),
            _ => provider.GetRequiredService<DnsEndpoints>(),
        });
        services.AddSingleton<IDestinationResolver, DiscoveredDestinations>();
        services.AddSingleton<FirstReplicaHealthCheck>();
        services.AddHealthChecks().AddCheck<FirstReplicaHealthCheck>("first replica");
    }
}
