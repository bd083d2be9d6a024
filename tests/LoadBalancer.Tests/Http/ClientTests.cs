using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

public sealed class ClientTests
{
    [Fact]
    public async Task A_client_that_never_reads_is_let_go_and_the_others_are_served()
    {
        var ended = new TaskCompletionSource();
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            if (context.Request.Path != "/endless")
            {
                await context.Response.WriteAsync("ok");
                return;
            }

            try
            {
                var block = new byte[64 * 1024];
                while (true)
                {
                    await context.Response.Body.WriteAsync(block, context.RequestAborted);
                }
            }
            catch (Exception)
            {
                ended.TrySetResult();
            }
        });
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:SendTimeout", "1"));
        using var client = new RawClient(balancer.Client.BaseAddress!);
        await client.SendAsync("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");

        await Eventually.InTimeAsync(ended.Task);
        Assert.Equal("ok", await balancer.Client.GetStringAsync("/x"));
    }

    [Fact]
    public async Task An_upload_has_no_limit_unless_one_is_set()
    {
        async Task Count(HttpContext context)
        {
            context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
            var (buffer, sum) = (new byte[64 * 1024], 0L);
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0; sum += read)
            {
            }

            await context.Response.WriteAsync($"{sum}");
        }

        const int Length = 40_000_000;
        await using var upstream = await UpstreamServer.StartAsync("replica-0", Count);
        await using var free = await Balancer.StartAsync([upstream]);
        using var taken = await free.Client.PostAsync("/x", new ByteArrayContent(new byte[Length]));
        Assert.Equal($"{Length}", await taken.Content.ReadAsStringAsync());

        await using var limited = await Balancer.StartAsync([upstream], ("LoadBalancer:MaxRequestBodySize", "1000"));
        using var refused = await limited.Client.PostAsync("/x", new ByteArrayContent(new byte[1001]));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
    }

    [Fact]
    public async Task Server_sent_events_arrive_one_by_one()
    {
        var go = new SemaphoreSlim(0);
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < 3; i++)
            {
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
                await go.WaitAsync();
            }
        });
        await using var balancer = await Balancer.StartAsync([upstream]);
        using var response = await balancer.Client.GetAsync("/x", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($"data: {i}", await Eventually.InTimeAsync(reader.ReadLineAsync()));
            await reader.ReadLineAsync();
            go.Release();
        }
    }

    [Fact]
    public async Task Http2_without_tls_is_spoken_at_the_same_port_and_grpc_goes_through_with_its_trailers()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        await using var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.ContentType = context.Request.ContentType;
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            await context.Response.Body.WriteAsync(body.ToArray());
            context.Response.AppendTrailer("grpc-status", "0");
        });
        await app.StartAsync();
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        await using var balancer = await Balancer.StartAsync([new Destination("replica-0", address)]);

        using var client = new HttpClient { BaseAddress = balancer.Client.BaseAddress, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        for (var i = 0; i < 3; i++)
        {
            using var content = new ByteArrayContent([0, 0, 0, 0, 1, 7]);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
            using var response = await client.PostAsync("/greet.Greeter/SayHello", content);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal([0, 0, 0, 0, 1, 7], await response.Content.ReadAsByteArrayAsync());
            Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        }

        // And HTTP/1.1 beside it.
        Assert.Equal("Healthy", await balancer.Client.GetStringAsync("/alive"));
    }

    [Fact]
    public async Task A_connection_of_http2_outlives_the_limits_of_slow_clients()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream]);
        var connections = 0;
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                connections++;
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        {
            BaseAddress = balancer.Client.BaseAddress,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        // Kestrel looks each second, and forgives for five.
        for (var end = DateTime.UtcNow + TimeSpan.FromSeconds(8); DateTime.UtcNow < end; await Task.Delay(50))
        {
            Assert.Equal("ok", await client.GetStringAsync("/x"));
        }

        Assert.Equal(1, connections);
    }

    private sealed record Destination(string Name, Uri Address) : IUpstream;
}
