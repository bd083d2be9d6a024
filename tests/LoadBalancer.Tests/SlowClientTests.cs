using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Clients that take their time hold no core, and are not what a replica's latency is.</summary>
public sealed class SlowClientTests
{
    private static async Task EchoAsync(HttpContext context) =>
        await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync());

    [Theory]
    [InlineData(1000, "/slow")]
    [InlineData(200_000, "/slow")]
    [InlineData(1000, "/fast")]
    public async Task A_body_is_received_before_it_goes_to_a_replica(int length, string path)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", EchoAsync);
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        using var client = await UploadAsync(balancer, path, new string('x', length - 100), length);

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("", await balancer.Client.GetStringAsync("/slow"));
        }

        Assert.Equal(5, upstream.Requests);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(new string('y', 100)));
        var response = await new StreamReader(client.GetStream()).ReadToEndAsync();
        Assert.EndsWith(new string('x', 100) + new string('y', 100), response.TrimEnd('\r', '\n', '0'), StringComparison.Ordinal);
        Assert.Equal(6, upstream.Requests);
    }

    [Fact]
    public async Task A_long_body_is_passed_on_as_it_comes_when_told_so_and_a_short_one_is_still_received_before()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", EchoAsync);
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:ComputeBody", "stream"), ("LoadBalancer:BodyMemory", "1000"));
        await balancer.UntilAsync("replica-0", "ready");
        using var shortOne = await UploadAsync(balancer, "/slow", "xxx", 1000);
        Assert.Equal("", await balancer.Client.GetStringAsync("/slow"));

        using var longOne = await UploadAsync(balancer, "/slow", new string('x', 1500), 2000);
        await balancer.UntilAsync("replica-0", "busy");
    }

    [Fact]
    public async Task A_body_longer_than_its_limit_gets_413()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", EchoAsync);
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:ComputeBodyLimit", "100000"));
        using var response = await balancer.Client.PostAsync("/slow", new StringContent(new string('x', 200_000)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(0, upstream.Requests);
    }

    [Fact]
    public async Task A_core_is_given_back_when_the_response_starts()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            await context.Response.StartAsync();
            await context.Response.WriteAsync("begun");
            if (context.Request.Query.ContainsKey("large"))
            {
                await context.Response.Body.WriteAsync(new byte[32 << 20], context.RequestAborted);
            }
        });
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        using var unread = await balancer.Client.GetAsync("/slow?large", HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal("begun", await Eventually.InTimeAsync(balancer.Client.GetStringAsync("/slow")));
        await balancer.UntilAsync("replica-0", "ready");
        Assert.Equal(1, (await balancer.ReplicaAsync("replica-0")).GetProperty("inFlight").GetInt32());
    }

    [Fact]
    public async Task The_latency_of_a_stream_is_the_time_to_its_start()
    {
        var time = new FakeTimeProvider();
        var (end, begun) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: 1\n\n");
            begun.SetResult();
            await end.Task;
        });
        await using var balancer = await Balancer.StartAsync([upstream], time);
        await balancer.UntilAsync("replica-0", "ready");
        using var response = await balancer.Client.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead);
        time.Advance(TimeSpan.FromSeconds(2));
        end.SetResult();
        await response.Content.ReadAsStringAsync();

        await Eventually.IsTrueAsync(async () => (await LightAsync(balancer)).GetProperty("count").GetInt64() == 1);
        Assert.InRange((await LightAsync(balancer)).GetProperty("p99").GetDouble(), 0, 1);
    }

    [Fact]
    public async Task Upgraded_connections_are_no_latencies()
    {
        await using var upstream = await UpstreamServer.StartAsync(
            "replica-0",
            async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                await socket.ReceiveAsync(new byte[16], CancellationToken.None);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            },
            build: app => app.UseWebSockets());
        await using var balancer = await Balancer.StartAsync([upstream]);
        using (var socket = new ClientWebSocket())
        {
            await socket.ConnectAsync(new UriBuilder(balancer.Client.BaseAddress!) { Scheme = "ws", Path = "/socket" }.Uri, CancellationToken.None);
            Assert.Equal(1, balancer.Upstream("replica-0").Upgraded);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }

        await Eventually.IsTrueAsync(() => balancer.Upstream("replica-0") is { InFlight: 0, Upgraded: 0 });
        Assert.Empty(balancer.Log);
        Assert.Equal(0, (await LightAsync(balancer)).GetProperty("count").GetInt64());
    }

    private static async Task<System.Text.Json.JsonElement> LightAsync(Balancer balancer) =>
        (await balancer.ReplicaAsync("replica-0")).GetProperty("light").GetProperty("sinceStart");

    private static async Task<TcpClient> UploadAsync(Balancer balancer, string path, string part, int length)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, balancer.Client.BaseAddress!.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{part}"));
        return client;
    }
}
