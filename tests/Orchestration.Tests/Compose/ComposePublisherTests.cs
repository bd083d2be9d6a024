using ClusterAspire.Orchestration.Compose;
using ClusterAspire.Orchestration.Plan;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace ClusterAspire.Orchestration.Tests;

public sealed class ComposePublisherTests
{
    private static readonly Machine Quad = new([4, 5, 6, 7], 4);

    [Fact]
    public void Each_replica_has_its_core_and_the_balancer_reaches_all_of_them()
    {
        var file = Read(new ComposePublisher(new() { Name = "shop", Replicas = "2", Port = 80, Memory = "256m", Environment = { ["GREETING"] = "five $" }, Args = { "--verbose" } }, "shop:1", "balancer:1"));

        Assert.Equal("shop", file["name"].ToString());
        var services = (YamlMappingNode)file["services"];
        Assert.Equal(["replica-0", "replica-1", "loadbalancer"], services.Children.Keys.Select(key => key.ToString()));
        var replica = services["replica-1"];
        Assert.Equal(("shop:1", "5", "256m", "--verbose"), (replica["image"].ToString(), replica["cpuset"].ToString(), replica["mem_limit"].ToString(), replica["command"][0].ToString()));
        Assert.Equal(("replica-1", "five $$", "8080"), (replica["environment"]["Replica__Name"].ToString(), replica["environment"]["GREETING"].ToString(), replica["environment"]["ASPNETCORE_HTTP_PORTS"].ToString()));
        var balancer = services["loadbalancer"];
        Assert.Equal(("balancer:1", "127.0.0.1:80:8080"), (balancer["image"].ToString(), balancer["ports"][0].ToString()));
        Assert.Equal("http://replica-1:8080", balancer["environment"]["ReverseProxy__Clusters__service__Destinations__replica-1__Address"].ToString());
        Assert.Equal("${ADMIN_TOKEN:-}", balancer["environment"]["LoadBalancer__AdminToken"].ToString());
    }

    [Fact]
    public void What_is_the_runners_is_refused() =>
        Assert.StartsWith(
            "--restart-age (Cluster:RestartAge) is the runner's, ",
            Assert.Throws<ClusterException>(() => new ComposePublisher(new() { RestartAge = 3600 }, "shop:1", "balancer:1").Publish(Quad)).Message,
            StringComparison.Ordinal);

    private static YamlNode Read(ComposePublisher publisher)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(publisher.Publish(Quad)));
        return stream.Documents[0].RootNode;
    }
}
