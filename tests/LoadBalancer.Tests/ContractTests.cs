using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Identity;
using ClusterAspire.Replica.Lane;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>What the plan writes is what the load balancer and a replica read.</summary>
public sealed class ContractTests
{
    private static readonly ClusterPlan Plan = ClusterPlan.Create(
        new ClusterOptions { Replicas = "2", Port = 18080, AdminPort = 18081, QueueLimit = 7, LaneQueueLimit = 9, DrainTimeout = 3.5 },
        new Machine([4, 5], Processors: 2) { IsFree = _ => true, Pins = true });

    [Theory]
    [InlineData("http://*:80", "[::]:80")]
    [InlineData("https://+", "[::]:443")]
    [InlineData("HTTP://0.0.0.0:8080/", "0.0.0.0:8080")]
    [InlineData("http://[::1]:8080", "[::1]:8080")]
    [InlineData("http://localhost:8080", "127.0.0.1:8080 [::1]:8080")]
    [InlineData("http://unix:/run/shop.sock", "/run/shop.sock")]
    [InlineData("http://fd:3", "")]
    [InlineData("http://fd:2", null)]
    [InlineData("http://*:0", null)]
    [InlineData("http://*:x", null)]
    [InlineData("http://*:65536", null)]
    [InlineData("http://a/b:80", null)]
    [InlineData("http://", null)]
    [InlineData("http://unix:/", null)]
    [InlineData("ftp://*:80", null)]
    [InlineData("*:80", null)]
    public void Where_to_listen_is_read_alike_by_who_holds_the_sockets_and_who_uses_them(string text, string? endPoints) =>
        Assert.Equal(
            endPoints?.Replace("[::]", System.Net.Sockets.Socket.OSSupportsIPv6 ? "[::]" : "0.0.0.0", StringComparison.Ordinal),
            ListenAddress.TryParse(text, out var address) ? string.Join(' ', address.EndPoints()) : null);

    [Fact]
    public void The_load_balancer_reads_its_ports_limits_and_destinations()
    {
        var configuration = Read(Plan.LoadBalancer.Environment);

        var options = configuration.GetSection(LoadBalancerOptions.Section).Get<LoadBalancerOptions>()!;
        Assert.True(options.Url.IsLoopback && options.AdminUrl.IsLoopback);
        Assert.Equal((Plan.LoadBalancer.Port, Plan.LoadBalancer.AdminPort), (options.Url.Port, options.AdminUrl.Port));
        Assert.Equal(7, options.ComputeQueueLimit);
        Assert.Equal(
            Plan.Replicas.Select(replica => (replica.Name, replica.Address)),
            configuration.GetSection($"ReverseProxy:Clusters:{Variables.Cluster}:Destinations").GetChildren()
                .Select(destination => (destination.Key, new Uri(destination["Address"]!))));
    }

    [Fact]
    public void A_replica_reads_its_name_core_and_limits()
    {
        var configuration = Read(Plan.Replicas[1].Environment);

        var replica = configuration.GetSection(ReplicaOptions.Section).Get<ReplicaOptions>()!;
        Assert.Equal(("replica-1", 5), (replica.Name, replica.Core));
        Assert.Equal(9, configuration.GetSection(ComputeLaneOptions.Section).Get<ComputeLaneOptions>()!.QueueLimit);
        Assert.Equal(3.5, configuration.GetSection(DrainOptions.Section).Get<DrainOptions>()!.Timeout);
    }

    // As the environment is read: two underscores are a colon.
    private static IConfiguration Read(IReadOnlyDictionary<string, string> environment) => new ConfigurationBuilder()
        .AddInMemoryCollection(environment.Select(variable => KeyValuePair.Create(variable.Key.Replace("__", ":", StringComparison.Ordinal), (string?)variable.Value)))
        .Build();
}
