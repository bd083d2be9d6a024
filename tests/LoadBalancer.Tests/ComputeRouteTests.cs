using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Which requests get a core: what replicas say, and what the configuration says.</summary>
public sealed class ComputeRouteTests
{
    [Theory]
    [InlineData("GET", "/slow", true)]
    [InlineData("GET", "/slow/", true)]
    [InlineData("GET", "/SLOW", true)]
    [InlineData("POST", "/slow", false)]
    [InlineData("GET", "/slower", false)]
    [InlineData("GET", "/report/7/pages/2", true)]
    [InlineData("PUT", "/report/7/pages/2", true)]
    [InlineData("GET", "/report/seven/pages/2", false)]
    [InlineData("GET", "/report/7", false)]
    [InlineData("GET", "/files/a/b/c", true)]
    [InlineData("GET", "/odd/1", true)]
    [InlineData("GET", "/", false)]
    [InlineData("GET", "", false)]
    public void Routes_are_matched_as_the_service_would(string method, string path, bool isCompute)
    {
        var services = new ServiceCollection().AddRouting().AddLogging().BuildServiceProvider();
        var matcher = new ComputeRouteMatcher(
            [
                new("GET", "/slow"), new(null, "/report/{id:int}/pages/{page?}"), new("GET", "/files/{**path}"),
                new("GET", "/odd/{id:known-only-to-the-service}"), new("GET", "/{bro}{ken"),
            ],
            services);
        var context = new DefaultHttpContext { Request = { Method = method, Path = path } };
        Assert.Equal(isCompute, matcher.Match(context.Request) is not null);
    }

    [Fact]
    public async Task What_a_replica_names_gets_a_core_from_the_first_request_on_and_what_it_names_later_from_the_next_probe_on()
    {
        var routes = new[] { new ComputeRoute("GET", "/report/{id}") };
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        upstream.Health = () => Results.Json(new ReplicaHealth("Healthy", "replica-0", 1, ComputeRoutes: routes));
        await using var balancer = await Balancer.StartAsync([upstream]);

        await balancer.Client.GetStringAsync("/report/1");
        await balancer.Client.GetStringAsync("/other/1");
        Assert.Equal((1, 1), await CountsAsync(balancer));
        Assert.Contains("http_route=\"/report/{id}\"", await balancer.Admin.GetStringAsync("/metrics"), StringComparison.Ordinal);

        routes = [new(null, "/other/{id}")];
        await Eventually.IsTrueAsync(async () =>
        {
            var before = (await CountsAsync(balancer)).Compute;
            await balancer.Client.GetStringAsync("/other/1");
            return (await CountsAsync(balancer)).Compute > before;
        });
        var light = (await CountsAsync(balancer)).Light;
        await balancer.Client.GetStringAsync("/report/1");
        Assert.Equal(light + 1, (await CountsAsync(balancer)).Light);
    }

    [Theory]
    [InlineData("light", 1, 0)]
    [InlineData("compute", 0, 1)]
    public async Task The_mark_in_the_configuration_wins(string @class, int light, int compute)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream], ("ReverseProxy:Routes:all:Metadata:Class", @class));
        await balancer.Client.GetStringAsync(@class == "light" ? "/slow" : "/fast");
        Assert.Equal((light, compute), await CountsAsync(balancer));
    }

    private static async Task<(long Light, long Compute)> CountsAsync(Balancer balancer)
    {
        var status = await balancer.ReplicaAsync("replica-0");
        return (Count("light"), Count("compute"));

        long Count(string name) => status.GetProperty(name).GetProperty("sinceStart").GetProperty("count").GetInt64();
    }
}
