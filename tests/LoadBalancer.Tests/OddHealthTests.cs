using System.Net;
using System.Text;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Services whose <c>/health</c> answers something else than a replica's.</summary>
public sealed class OddHealthTests
{
    public static readonly TheoryData<string> Odd = ["page of 100 KB", "endless page", "half a body", "redirect", "401", "html", "bad charset", "null", "array", "text that is no json", "bom", "empty"];

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task They_are_served_all_the_same(string answer)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        upstream.Health = () => new Answer(answer);
        await using var balancer = await Balancer.StartAsync([upstream]);

        await balancer.UntilAsync("replica-0", "ready");
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/fast"));
    }

    [Theory]
    [InlineData("page of 100 KB", "longer than 65536 bytes")]
    [InlineData("redirect", "it answered 302")]
    [InlineData("401", "it answered 401")]
    [InlineData("html", "no JSON")]
    public async Task What_was_not_understood_is_said_once(string answer, string said)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        var asked = 0;
        upstream.Health = () =>
        {
            asked++;
            return new Answer(answer);
        };
        await using var balancer = await Balancer.StartAsync([upstream]);
        await Eventually.IsTrueAsync(() => asked >= 3);

        Assert.Contains(said, Assert.Single(balancer.Log, line => line.Contains("/health", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_says_it_does_not_serve_is_not_served_and_the_log_says_why()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        upstream.Health = () => Results.StatusCode(500);
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "down");

        Assert.Contains("it answered 500", Assert.Single(balancer.Log, line => line.Contains("/health", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await balancer.Client.GetAsync("/fast")).StatusCode);
    }

    [Fact]
    public async Task A_cluster_without_our_policies_is_not_probed()
    {
        await using var ours = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ours"));
        await using var foreign = await UpstreamServer.StartAsync("foreign", context => context.Response.WriteAsync("foreign"));
        var asked = 0;
        foreign.Health = () =>
        {
            asked++;
            return Results.StatusCode(503);
        };
        await using var balancer = await Balancer.StartAsync(
            [ours],
            ("ReverseProxy:Clusters:foreign:Destinations:one:Address", foreign.Address.ToString()),
            ("ReverseProxy:Routes:foreign:ClusterId", "foreign"),
            ("ReverseProxy:Routes:foreign:Match:Path", "/foreign/{**rest}"));
        await balancer.UntilAsync("replica-0", "ready");

        Assert.Equal("foreign", await balancer.Client.GetStringAsync("/foreign/page"));
        Assert.Equal("ours", await balancer.Client.GetStringAsync("/fast"));
        Assert.Equal(0, asked);
    }

    private sealed class Answer(string kind) : IResult
    {
        private const string Health = """{"status":"Healthy"}""";

        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.ContentType = "application/json";
            switch (kind)
            {
                case "page of 100 KB":
                    return response.WriteAsync($"\"{new string('x', 100_000)}\"");
                case "endless page":
                    return EndlessAsync(httpContext);
                case "half a body":
                    response.ContentLength = 100;
                    return EndlessAsync(httpContext);
                case "redirect":
                    response.Redirect("/login");
                    return Task.CompletedTask;
                case "401":
                    response.StatusCode = 401;
                    return Task.CompletedTask;
                case "html":
                    response.ContentType = "text/html";
                    return response.WriteAsync("<!DOCTYPE html>");
                case "bad charset":
                    response.ContentType = "application/json; charset=utf8";
                    return response.WriteAsync(Health);
                case "null":
                    return response.WriteAsync("null");
                case "array":
                    return response.WriteAsync("[1]");
                case "text that is no json":
                    return response.WriteAsync("Healthy");
                case "bom":
                    return response.Body.WriteAsync((byte[])[.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Health)]).AsTask();
                default:
                    return Task.CompletedTask;
            }
        }

        private static async Task EndlessAsync(HttpContext context)
        {
            await context.Response.WriteAsync("{\"status\":");
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }
    }
}
