using System.Text;
using ClusterAspire.LoadBalancer.Admin;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Buffering;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Discovery;
using ClusterAspire.LoadBalancer.Edge;
using ClusterAspire.LoadBalancer.Forwarding;
using ClusterAspire.LoadBalancer.Health;
using ClusterAspire.LoadBalancer.Listening;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Supervision;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Tls;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.HttpsPolicy;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer;

/// <summary>Puts YARP and what we add to it together.</summary>
internal static class LoadBalancerExtensions
{
    /// <summary>Adds the load balancer's services.</summary>
    public static void AddLoadBalancer(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddLoadBalancerOptions();
        services.AddHostedService<ProxyConfigurationCheck>();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<LoadBalancerOptions>, IServiceProvider>((kestrel, options, provider) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.Value.MaxRequestBodySize;
            // A header's value is passed on byte for byte (Latin1Text).
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
            var clients = new ClientConnections(options.Value, kestrel.Limits, new(provider.GetRequiredService<EdgeServer>), provider.GetRequiredService<OpenConnections>());
            foreach (var address in options.Value.ListenAddresses)
            {
                kestrel.Listen(address, clients.AddTo);
            }

            if (!options.Value.ListenAddresses.Any(address => address.Covers(options.Value.Url)))
            {
                kestrel.Listen(ListenExtensions.UrlKey, options.Value.Url, clients.AddTo);
            }

            kestrel.Listen(ListenExtensions.AdminUrlKey, options.Value.AdminUrl);
            kestrel.Listen(new Http2OnlyEndPoint(), clients.TakeHttp2From);
        });

        services.AddServerCertificate();
        services.AddSingleton<PublicPortFilter>();
        services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<PublicPortFilter>());
        services.AddSingleton<IConfigureOptions<ForwardedHeadersOptions>>(provider => provider.GetRequiredService<PublicPortFilter>());
        services.AddSingleton<IConfigureOptions<HttpsRedirectionOptions>>(provider => provider.GetRequiredService<PublicPortFilter>());
        services.AddSingleton<IConfigureOptions<HstsOptions>>(provider => provider.GetRequiredService<PublicPortFilter>());
        services.AddSockets();
        services.AddSingleton<HandedSockets>();
        services.AddSingleton<OpenConnections>();
        services.AddSingleton<FirstAnswers>();
        services.AddSingleton<PausingListenerFactory>();
        services.AddSingleton<IConnectionListenerFactory>(provider => provider.GetRequiredService<PausingListenerFactory>());
        services.AddHostedService<Handover>();
        // A failure of a background service must not end the load balancer.
        services.Configure<HostOptions>(host => host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore);
        services.AddSingleton<UpstreamCatalog>();
        services.AddSingleton<AffinityAdvice>();
        services.AddSingleton<ReplicaProbe>();
        services.AddHostedService(provider => provider.GetRequiredService<ReplicaProbe>());
        services.AddSingleton<IClusterChangeListener>(provider => provider.GetRequiredService<ReplicaProbe>());
        services.AddSingleton<CoreAwarePolicy>();
        services.AddSingleton<ILoadBalancingPolicy>(provider => provider.GetRequiredService<CoreAwarePolicy>());
        services.AddSingleton<ReadyDestinationsPolicy>();
        services.AddSingleton<IAvailableDestinationsPolicy>(provider => provider.GetRequiredService<ReadyDestinationsPolicy>());
        services.AddSingleton<RequestClasses>();
        services.AddSingleton<ProbeClients>();
        services.AddSingleton<ComputeQueue>();
        services.AddSingleton<UpstreamConnections>();
        services.AddSingleton<RetryBudget>();
        services.AddSingleton<RetryPolicy>();
        services.AddSingleton<RequestBodies>();
        services.AddSingleton<PoisonList>();
        services.AddSingleton<TryReports>();
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<EdgeRoutes>();
        services.AddSingleton<IConfigChangeListener>(provider => provider.GetRequiredService<EdgeRoutes>());
        services.AddSingleton<EdgeServer>();
        services.AddSingleton<BalancerMetrics>();
        services.AddSingleton<BalancerEvents>();
        services.AddSingleton<MatcherPolicy, AdminPortPolicy>();
        services.AddSingleton<AdminToken>();
        services.AddSingleton<ClusterCommands>();
        services.AddSingleton<SupervisorMetrics>();
        services.AddHostedService(provider => provider.GetRequiredService<SupervisorMetrics>());
        // The framework does so in Development only.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddExceptionHandler<BadRequests>();
        services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.Converters.Add(new System.Text.Json.Serialization.JsonStringEnumConverter(System.Text.Json.JsonNamingPolicy.CamelCase)));

        services.AddDiscovery();
        builder.Configuration.AddDestinationsFile();
        services.AddReverseProxy()
            .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
            .KeepLastValidConfiguration()
            .AddTransforms<ReplicaTransforms>()
            .AddTransforms<ResponseStartTransform>();
        services.AddSingleton<IForwarderHttpClientFactory, ReplicaClients>();
        builder.AddBalancerTelemetry();
    }

    /// <summary>Maps the public port: its own health, and the proxy for everything else.</summary>
    public static void MapLoadBalancer(this WebApplication app)
    {
        // The public endpoint reports only whether the load balancer serves, not the replicas' health.
        app.MapHealthChecks("/health").DisableHttpMetrics();
        app.MapHealthChecks("/alive", new() { Predicate = _ => false }).DisableHttpMetrics();
        app.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<MethodMiddleware>();
            proxy.UseSessionAffinity();
            proxy.UseMiddleware<RetryMiddleware>();
            proxy.UseMiddleware<ComputeQueueMiddleware>();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
            proxy.UseMiddleware<UpstreamMiddleware>();
        });
    }
}
