using System.Net;
using System.Text.Json;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class PortsTests
{
    private static Task Echo(HttpContext context) =>
        context.Response.WriteAsJsonAsync(context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()));

    [Fact]
    public async Task The_admin_api_is_not_reachable_through_the_public_port_whatever_the_host_header()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context =>
        {
            context.Response.StatusCode = 418;
            return Task.CompletedTask;
        });
        await using var balancer = await Balancer.StartAsync([upstream]);
        foreach (var host in new[] { balancer.Client.BaseAddress!.Authority, balancer.Admin.BaseAddress!.Authority })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/replicas") { Headers = { Host = host } };
            using var response = await balancer.Client.SendAsync(request);
            Assert.Equal(418, (int)response.StatusCode);
        }

        using var proxied = await balancer.Admin.GetAsync("/fast");
        Assert.Equal(HttpStatusCode.NotFound, proxied.StatusCode);
    }

    [Fact]
    public async Task Metrics_are_scraped_on_the_admin_port_ours_and_the_frameworks_in_buckets_fit_for_microseconds()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", Echo);
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.Client.GetStringAsync("/fast");
        var metrics = await balancer.Admin.GetStringAsync("/metrics");
        foreach (var histogram in new[] { "clusteraspire_upstream_request_duration_seconds", "http_server_request_duration_seconds" })
        {
            Assert.Contains(metrics.Split('\n'), line => line.StartsWith(histogram + "_bucket", StringComparison.Ordinal) && line.Contains("le=\"0.00025\"", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task The_public_port_answers_for_the_balancer_and_keeps_the_replicas_to_itself(string path)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", Echo);
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        Assert.Equal("Healthy", await balancer.Client.GetStringAsync(path));
    }

    [Fact]
    public async Task Forwarding_headers_of_the_client_are_replaced()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", Echo);
        await using var balancer = await Balancer.StartAsync([upstream]);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/fast");
        foreach (var header in new[] { "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Port", "Forwarded", "X-Real-IP" })
        {
            request.Headers.TryAddWithoutValidation(header, "forged");
        }

        using var response = await balancer.Client.SendAsync(request);
        var seen = JsonSerializer.Deserialize<Dictionary<string, string>>(await response.Content.ReadAsStringAsync())!;
        Assert.DoesNotContain("forged", seen.Values);
        Assert.Equal("127.0.0.1", seen["X-Forwarded-For"]);
        Assert.Equal("http", seen["X-Forwarded-Proto"]);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public async Task Responses_name_their_replica_unless_told_not_to(string setting, bool named)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", Echo);
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:ReplicaHeader", setting));
        using var response = await balancer.Client.GetAsync("/fast");
        Assert.Equal(named, response.Headers.Contains("X-Replica"));
    }
}
