using System.Net;
using System.Text;
using ClusterAspire.LoadBalancer.Tests.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class AdminGuardTests(EdgeRelay relay) : IClassFixture<EdgeRelay>
{
    private const string Report = """{"subject":"a","text":"b"}""";

    private Uri Admin => relay.Balancer.Admin.BaseAddress!;

    [Theory]
    [InlineData("evil.example", 421)]
    [InlineData("evil.example:8081", 421)]
    [InlineData("localhost.evil.example", 421)]
    [InlineData("127.0.0.1.evil.example", 421)]
    [InlineData("10.1.2.3", 421)]
    [InlineData("localhost", 200)]
    [InlineData("localhost:1234", 200)]
    [InlineData("admin.localhost", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("127.1.2.3:80", 200)]
    [InlineData("[::1]:8081", 200)]
    public async Task It_answers_to_the_names_of_this_machine_only(string host, int status)
    {
        foreach (var path in new[] { "/api/replicas", "/metrics" })
        {
            var response = await RawClient.ExchangeAsync(Admin, $"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            Assert.Equal(status, response.Status);
        }
    }

    [Theory]
    [InlineData("Origin: http://evil.example", 403)]
    [InlineData("Origin: null", 403)]
    [InlineData("Origin: http://localhost:1", 403)]
    [InlineData("Origin: http://localhost:8081.evil.example", 403)]
    [InlineData("Sec-Fetch-Site: cross-site", 403)]
    [InlineData("Sec-Fetch-Site: same-site", 403)]
    [InlineData("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document", 403)]
    [InlineData("Origin: http://localhost:8081", 204)]
    [InlineData("Sec-Fetch-Site: same-origin", 204)]
    [InlineData("Sec-Fetch-Site: none", 204)]
    [InlineData("X: a program", 204)]
    public async Task Another_pages_calls_are_refused(string fields, int status)
    {
        var response = await RawClient.ExchangeAsync(Admin, $"POST /api/events HTTP/1.1\r\nHost: localhost:8081\r\n{fields}\r\nContent-Type: application/json\r\nContent-Length: {Report.Length}\r\n\r\n{Report}");
        Assert.Equal(status, response.Status);
    }

    [Theory]
    [InlineData("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document", 200)]
    [InlineData("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script", 403)]
    [InlineData("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe", 403)]
    public async Task A_link_may_lead_here_and_nothing_may_be_embedded(string fields, int status)
    {
        var response = await RawClient.ExchangeAsync(Admin, $"GET /api/replicas HTTP/1.1\r\nHost: localhost:8081\r\n{fields}\r\n\r\n");
        Assert.Equal(status, response.Status);
        Assert.Contains("frame-ancestors 'none'", response.Field("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configured_names_and_a_token_are_required_as_configured()
    {
        await using var upstream = new RecordingUpstream();
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:AdminToken", "0123456789abcdef"), ("LoadBalancer:AdminHosts:0", "admin.example"));
        var admin = balancer.Admin.BaseAddress!;
        foreach (var (fields, target, status) in new[]
        {
            ("X: y", "/api/replicas", 401), ("Authorization: Bearer 0123456789abcdeX", "/api/replicas", 401), ("Authorization: Basic 0123456789abcdef", "/metrics", 401),
            ("Authorization: Bearer 0123456789abcdef", "/api/replicas", 200), ("Cookie: clusteraspire-admin=0123456789abcdef", "/metrics", 200),
            ("X: y", "/api/replicas?token=wrong", 401), ("X: y", "/api/replicas?token=0123456789abcdef", 302),
        })
        {
            var response = await RawClient.ExchangeAsync(admin, $"GET {target} HTTP/1.1\r\nHost: admin.example\r\n{fields}\r\nConnection: close\r\n\r\n");
            Assert.True(status == response.Status, $"{fields} {target}: {response.Head}");
        }
    }

    [Fact]
    public async Task Not_on_loopback_there_is_always_a_token()
    {
        await using var upstream = new RecordingUpstream();
        var port = FreePort.Next();
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:AdminUrl", $"http://0.0.0.0:{port}"));
        var response = await RawClient.ExchangeAsync(new($"http://127.0.0.1:{port}"), "GET /api/replicas HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(401, response.Status);
    }
}
