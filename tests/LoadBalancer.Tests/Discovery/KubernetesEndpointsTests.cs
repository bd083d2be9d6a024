using System.Net;
using ClusterAspire.LoadBalancer.Discovery;
using ClusterAspire.LoadBalancer.Discovery.Kubernetes;
using Microsoft.Extensions.Primitives;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Which Service a name means, and what is made of two sources.</summary>
public sealed class KubernetesEndpointsTests
{
    private static readonly Endpoint A = new(IPAddress.Parse("10.0.0.1"), "a");
    private static readonly Endpoint B = new(IPAddress.Parse("10.0.0.2"), "b");
    private static readonly Endpoint C = new(IPAddress.Parse("10.0.0.3"));

    [Theory]
    [InlineData("service", "service")]
    [InlineData("service.mine", "service")]
    [InlineData("service.mine.svc", "service")]
    [InlineData("service.mine.svc.cluster.local", "service")]
    [InlineData("service.mine.svc.cluster.local.", "service")]
    [InlineData("service.theirs", null)]
    [InlineData("service.theirs.svc.cluster.local", null)]
    [InlineData("www.example.com", null)]
    [InlineData("a.mine.example.com", null)]
    public void A_name_means_a_service_of_this_namespace_or_none(string host, string? service) =>
        Assert.Equal(service, KubernetesEndpoints.ServiceName(host, "mine"));

    [Fact]
    public void What_dns_says_is_added_as_long_as_it_may_be_older()
    {
        var answer = Dns(isCurrent: true, B with { Name = null }, C);

        // What has a name keeps it: the same address is no other replica.
        Assert.Equal([A, B, C], KubernetesEndpoints.Merge([A, B], answer, isNewer: true));
        Assert.Equal([B, C], KubernetesEndpoints.Merge([A, B], answer, isNewer: false));
    }

    [Fact]
    public void What_dns_said_once_does_not_replace_what_the_slices_said_last()
    {
        var answer = Dns(isCurrent: false, C);

        Assert.Equal([A, B], KubernetesEndpoints.Merge([A, B], answer, isNewer: false));
        Assert.Equal([C], KubernetesEndpoints.Merge([], answer, isNewer: false));
    }

    private static EndpointSet Dns(bool isCurrent, params Endpoint[] endpoints) => new(endpoints, isCurrent, new CancellationChangeToken(CancellationToken.None));
}
