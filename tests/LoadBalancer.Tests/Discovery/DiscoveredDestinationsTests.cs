using System.Net;
using System.Net.Sockets;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Discovery;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class DiscoveredDestinationsTests
{
    private readonly FakeTimeProvider _time = new();
    private Func<string, Task<IPAddress[]>> _dns = _ => throw new SocketException((int)SocketError.HostNotFound);

    [Fact]
    public async Task A_name_stands_for_every_address_it_resolves_to()
    {
        _dns = Answer("10.0.0.2", "10.0.0.1");

        Assert.Equal(["10.0.0.1:8080", "10.0.0.2:8080"], await NamesAsync(Resolver()));
    }

    [Fact]
    public async Task Path_host_and_health_address_of_the_destination_are_kept()
    {
        _dns = Answer("10.0.0.1");

        var resolved = await ResolveAsync(Resolver(), new() { Address = "http://service:8080/v1", Health = "http://service:9090/" });

        var destination = Assert.Single(resolved.Destinations).Value;
        Assert.Equal(("http://10.0.0.1:8080/v1", "http://10.0.0.1:9090/", "service:8080"), (destination.Address, destination.Health, destination.Host));
    }

    [Fact]
    public async Task Of_a_pod_with_an_address_of_each_family_one_is_taken()
    {
        _dns = Answer("fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2");

        Assert.Equal(["10.0.0.1:8080", "10.0.0.2:8080"], await NamesAsync(Resolver()));

        _dns = Answer("fd00::1", "fd00::2");
        Assert.Equal(["[fd00::1]:8080", "[fd00::2]:8080"], await NamesAsync(Resolver()));
    }

    [Fact]
    public async Task The_family_stays_though_the_answers_order_changes()
    {
        var resolver = Resolver();
        _dns = Answer("10.0.0.1", "fd00::1");
        Assert.Equal(["10.0.0.1:8080"], await NamesAsync(resolver));
        _dns = Answer("fd00::1", "10.0.0.1", "10.0.0.2");
        Assert.Equal(["10.0.0.1:8080", "10.0.0.2:8080"], await NamesAsync(resolver));
        _dns = Answer("fd00::1");
        Assert.Equal(["[fd00::1]:8080"], await NamesAsync(resolver));
    }

    [Fact]
    public async Task Clusters_that_share_a_host_may_ask_at_the_same_time()
    {
        var resolver = Resolver();
        _dns = async _ =>
        {
            await Task.Yield();
            return [IPAddress.Loopback];
        };
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < 2000; round++)
            {
                Assert.Equal(["127.0.0.1:8080"], await NamesAsync(resolver));
            }
        })));
    }

    [Fact]
    public async Task Addresses_are_left_as_they_are()
    {
        var resolved = await ResolveAsync(Resolver(), new() { Address = "http://10.0.0.9:8080" });

        Assert.Equal("http://10.0.0.9:8080", resolved.Destinations["pods"].Address);
    }

    [Fact]
    public async Task Without_dns_discovery_no_name_is_looked_up()
    {
        var resolved = await ResolveAsync(Resolver(DiscoveryKind.Static), new() { Address = "http://service:8080" });

        Assert.Equal("http://service:8080", resolved.Destinations["pods"].Address);
        Assert.Null(resolved.ChangeToken);
    }

    [Fact]
    public async Task It_looks_again_when_the_interval_is_over()
    {
        _dns = Answer("10.0.0.1");
        var token = (await ResolveAsync(Resolver())).ChangeToken!;

        _time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.False(token.HasChanged);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.True(token.HasChanged);
    }

    [Theory]
    [InlineData(SocketError.HostNotFound)]
    [InlineData(SocketError.TryAgain)]
    public async Task A_failure_keeps_the_addresses_known_last(SocketError error)
    {
        var resolver = Resolver();
        _dns = Answer("10.0.0.1");
        await ResolveAsync(resolver);
        _dns = _ => Task.FromException<IPAddress[]>(new SocketException((int)error));

        var resolved = await ResolveAsync(resolver);

        Assert.Equal(["10.0.0.1:8080"], resolved.Destinations.Keys);
        Assert.NotNull(resolved.ChangeToken);
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_yet_is_no_destination_and_no_error()
    {
        var resolved = await ResolveAsync(Resolver());

        Assert.Empty(resolved.Destinations);
        Assert.NotNull(resolved.ChangeToken);
    }

    [Fact]
    public async Task A_lookup_without_an_answer_is_waited_for_five_seconds_and_not_repeated_meanwhile()
    {
        var resolver = Resolver();
        _dns = Answer("10.0.0.1");
        await ResolveAsync(resolver);
        var (answer, asked) = (new TaskCompletionSource<IPAddress[]>(), 0);
        _dns = _ =>
        {
            asked++;
            return answer.Task;
        };

        for (var round = 0; round < 2; round++)
        {
            var waiting = ResolveAsync(resolver);
            _time.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal(["10.0.0.1:8080"], (await waiting).Destinations.Keys);
        }

        Assert.Equal(1, asked);
        answer.SetResult([IPAddress.Parse("10.0.0.2")]);
        Assert.Equal(["10.0.0.2:8080"], await NamesAsync(resolver));
    }

    private DiscoveredDestinations Resolver(DiscoveryKind discovery = DiscoveryKind.Dns) =>
        Resolver(new LoadBalancerOptions { Discovery = discovery });

    private DiscoveredDestinations Resolver(LoadBalancerOptions options) => new(
        new DnsEndpoints(host => _dns(host), Options.Create(options), _time, NullLogger<DnsEndpoints>.Instance), Options.Create(options));

    private static Func<string, Task<IPAddress[]>> Answer(params string[] addresses) =>
        _ => Task.FromResult(Array.ConvertAll(addresses, IPAddress.Parse));

    private static async Task<IEnumerable<string>> NamesAsync(DiscoveredDestinations resolver) =>
        (await ResolveAsync(resolver)).Destinations.Keys.Order();

    private static async Task<Yarp.ReverseProxy.ServiceDiscovery.ResolvedDestinationCollection> ResolveAsync(DiscoveredDestinations resolver, DestinationConfig? destination = null) =>
        await resolver.ResolveDestinationsAsync(
            new Dictionary<string, DestinationConfig> { ["pods"] = destination ?? new() { Address = "http://service:8080" } },
            CancellationToken.None);
}
