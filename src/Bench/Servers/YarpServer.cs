using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.Bench;

/// <inheritdoc cref="BenchServer.Yarp"/>
internal static class YarpServer
{
    private const string Cluster = "service";

    public static WebApplication Build(WebApplicationBuilder builder, string policy, IReadOnlyList<string> destinations)
    {
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = Cluster, Match = new RouteMatch { Path = "{**path}" } }],
            [
                new ClusterConfig
                {
                    ClusterId = Cluster,
                    LoadBalancingPolicy = policy,
                    Destinations = destinations.ToDictionary(url => url, url => new DestinationConfig { Address = url }),
                },
            ]);
        var app = builder.Build();
        app.MapReverseProxy();
        return app;
    }
}
