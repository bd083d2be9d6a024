using System.Net;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Who sent a request, by what proxies say in <c>Forwarded</c> (RFC 7239).</summary>
public sealed class ForwardedTests
{
    private const string Nobody = "127.0.0.1 http service.example";

    [Fact]
    public async Task What_trusted_proxies_say_is_believed_as_far_back_as_they_are_trusted()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", SeenAsync);
        await using var balancer = await Balancer.StartAsync(
            [upstream], ("LoadBalancer:TrustedProxies:0", "127.0.0.1"), ("LoadBalancer:TrustedProxies:1", "10.0.0.0/8"), ("LoadBalancer:TrustedProxies:2", "2001:db8:1::/48"));
        foreach (var (header, seen) in ((string, string)[])
        [
            ("for=203.0.113.9;proto=https;host=shop.example", "203.0.113.9 https shop.example"),
            ("For=203.0.113.9; Proto=HTTPS; by=10.0.0.1", "203.0.113.9 https service.example"),
            ("for=\"203.0.113.9:4711\"", "203.0.113.9 http service.example"),
            ("for=203.0.113.9:4711", "203.0.113.9 http service.example"),
            ("for=\"[2001:db8::17]:4711\";host=\"shop.example:8443\"", "2001:db8::17 http shop.example:8443"),
            ("for=\"[2001:db8::17]\"", "2001:db8::17 http service.example"),
            ("for=\"203.\\0.113.9\"", "203.0.113.9 http service.example"),
            // Several hops: those of trusted proxies, and the first one of somebody else's.
            ("for=192.0.2.66;host=forged.example, for=203.0.113.9;proto=https, for=10.1.2.3;host=inner.example", "203.0.113.9 https inner.example"),
            ("for=203.0.113.9;proto=https, for=\"[2001:db8:1::5]\" ,for=10.1.2.3", "203.0.113.9 https service.example"),
            (",for=203.0.113.9,,", "203.0.113.9 http service.example"),
            // One that hides who it was says the rest.
            ("for=192.0.2.66, for=unknown;proto=https", "127.0.0.1 https service.example"),
            ("for=192.0.2.66, for=\"_secret:_port\";host=shop.example", "127.0.0.1 http shop.example"),
            ("proto=https", "127.0.0.1 https service.example"),
            ("", Nobody),
            // Nothing is known of what breaks the rules.
            ("for=203.0.113.9;for=192.0.2.66", Nobody),
            ("for=203.0.113.9;proto=gopher", Nobody),
            ("for=203.0.113.9;host=\"a/b\"", Nobody),
            ("for=203.0.113.9;host=\"a b\"", Nobody),
            ("for=203.0.113.9 proto=https", Nobody),
            ("for = 203.0.113.9", Nobody),
            ("for=\"203.0.113.9", Nobody),
            ("for=\"203.0.113.9\\", Nobody),
            ("for=", Nobody),
            ("for", Nobody),
            ("=203.0.113.9", Nobody),
            ("for=10.1", Nobody),
            ("for=2001:db8::17", Nobody),
            ("for=\"[203.0.113.9]\"", Nobody),
            ("for=203.0.113.9:65536", Nobody),
            ("for=\"[2001:db8::17\"", Nobody),
            ("for=shop.example", Nobody),
        ])
        {
            Assert.Equal($"{header} -> {seen}", $"{header} -> {await GetAsync(balancer, ("Forwarded", header))}");
        }

        // Several lines are one, and where a proxy speaks X-Forwarded-* the client may have sent the other.
        Assert.Equal("203.0.113.9 http service.example", await GetAsync(balancer, ("Forwarded", "for=203.0.113.9"), ("Forwarded", "for=10.1.2.3")));
        Assert.Equal("203.0.113.9 http service.example", await GetAsync(balancer, ("Forwarded", "for=192.0.2.66;proto=https"), ("X-Forwarded-For", "203.0.113.9")));
    }

    [Fact]
    public async Task Of_others_it_is_not_looked_at()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", SeenAsync);
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:TrustedProxies:0", "10.0.0.0/8"));

        Assert.Equal(Nobody, await GetAsync(balancer, ("Forwarded", "for=203.0.113.9;proto=https;host=forged.example")));
    }

    // What replicas are told, which believe the balancer.
    private static Task SeenAsync(HttpContext context) => context.Response.WriteAsync(
        $"{context.Request.Headers["X-Forwarded-For"]} {context.Request.Headers["X-Forwarded-Proto"]} {context.Request.Host}");

    private static async Task<string> GetAsync(Balancer balancer, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/fast") { Headers = { Host = "service.example" } };
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        using var response = await balancer.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
