using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Destinations and their replicas without a proxy around them.</summary>
internal sealed class TestCluster
{
    public TestCluster(int replicas, TimeProvider? time = null, string? rotation = null)
    {
        Catalog = new UpstreamCatalog(new ServiceCollection().BuildServiceProvider(), time ?? TimeProvider.System);
        Destinations = [.. Enumerable.Range(0, replicas).Select(i => new DestinationState(
            $"replica-{i}", new DestinationModel(new DestinationConfig { Address = $"http://127.0.0.1:{1000 + i}" })))];
        State = new ClusterState("service", new ClusterModel(
            new ClusterConfig { ClusterId = "service", HealthCheck = new() { AvailableDestinationsPolicy = rotation } }, new HttpMessageInvoker(new SocketsHttpHandler())));
        Rotation(Destinations);
    }

    public UpstreamCatalog Catalog { get; }

    public IReadOnlyList<DestinationState> Destinations { get; }

    public ClusterState State { get; }

    public Upstream this[int index] => Catalog[Destinations[index]];

    public void Rotation(params IEnumerable<DestinationState> available) =>
        State.DestinationsState = new ClusterDestinationsState(Destinations, [.. available]);
}
