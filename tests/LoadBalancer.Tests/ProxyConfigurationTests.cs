using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class ProxyConfigurationTests
{
    [Theory]
    [InlineData("ReverseProxy:Routes:all:ClusterId", "renamed", "ReverseProxy:Routes:all:ClusterId 'renamed' names no cluster: there is service.")]
    [InlineData("ReverseProxy:Routes:report:Match:Path", "/report", "ReverseProxy:Routes:report:ClusterId must name a cluster: there is service.")]
    [InlineData("ReverseProxy:Routes:all:Metadata:Class", "copmute", "ReverseProxy:Routes:all:Metadata:Class cannot be 'copmute': it must be light or compute.")]
    [InlineData("ReverseProxy:Clusters:svc:Destinations:one:Address", "http://127.0.0.1:1", "ReverseProxy:Clusters:svc has destinations, and no route leads to it: set the ClusterId of a route to svc.")]
    public async Task What_does_not_belong_together_is_said_at_start(string key, string value, string sentence)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", _ => Task.CompletedTask);
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => Balancer.StartAsync([upstream], (key, value)));
        Assert.Contains(sentence, failure.Failures);
    }

    [Theory]
    [InlineData("ReverseProxy:Routes:all:ClusterId", "renamed", "service")]
    [InlineData("ReverseProxy:Routes:all:Metadata:Class", "copmute", "light")]
    public async Task A_reload_with_a_mistake_leaves_what_serves_in_force_and_one_without_comes_into_force(string key, string mistake, string mended)
    {
        await using var first = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var second = await UpstreamServer.StartAsync("replica-1", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([first]);

        balancer.Set(key, mistake);
        await Eventually.IsTrueAsync(() => balancer.Log.Any(line => line.Contains($"'{mistake}'", StringComparison.Ordinal)));
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/x"));
        Assert.DoesNotContain(balancer.Log, line => line.Contains("   at ", StringComparison.Ordinal));

        balancer.Set(key, mended);
        balancer.Add(second);
        await balancer.UntilAsync("replica-1", "ready");
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/x"));
    }

    [Theory]
    [InlineData("light")]
    [InlineData("Compute")]
    public async Task Classes_are_taken_in_any_case(string @class)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream], ("ReverseProxy:Routes:all:Metadata:Class", @class));
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/slow"));
        var status = await balancer.ReplicaAsync("replica-0");
        Assert.Equal(1, status.GetProperty(@class.ToLowerInvariant()).GetProperty("sinceStart").GetProperty("count").GetInt64());
    }

    [Theory]
    [InlineData("http://*:{0}", true)]
    [InlineData("http://+:{0}", true)]
    [InlineData("http://localhost:{0}", false)]
    public async Task It_listens_where_it_is_told(string url, bool everywhere)
    {
        var port = FreePort.Next();
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:Url", string.Format(null, url, port)));
        using var client = new HttpClient();
        Assert.Equal("ok", await client.GetStringAsync($"http://127.0.0.1:{port}/"));
        if (everywhere)
        {
            Assert.Equal("ok", await client.GetStringAsync($"http://127.0.0.2:{port}/"));
        }
        else
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync($"http://127.0.0.2:{port}/"));
        }
    }

    [Fact]
    public async Task It_listens_at_the_addresses_of_a_name()
    {
        var addresses = await System.Net.Dns.GetHostAddressesAsync(Environment.MachineName);
        Assert.SkipWhen(Array.TrueForAll(addresses, System.Net.IPAddress.IsLoopback), "This machine's name stands for loopback only.");
        var port = FreePort.Next();
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:Url", $"http://{Environment.MachineName}:{port}"));
        using var client = new HttpClient();
        Assert.Equal("ok", await client.GetStringAsync($"http://{addresses.First(address => !System.Net.IPAddress.IsLoopback(address))}:{port}/"));
    }

    [Fact]
    public async Task A_name_of_nobody_is_said_at_start()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", _ => Task.CompletedTask);
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => Balancer.StartAsync([upstream], ("LoadBalancer:Url", "http://nobody.invalid:8080")));
        Assert.Contains("LoadBalancer:Url: nobody.invalid is no name of this machine", Assert.Single(failure.Failures), StringComparison.Ordinal);
    }
}
