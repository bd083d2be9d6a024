using System.Net;
using ClusterAspire.LoadBalancer.Upstreams;
using ClusterAspire.Replica;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Replicas that offer the link: real ones.</summary>
public sealed class LinkTests
{
    [Fact]
    public async Task Requests_go_by_the_link_unless_told_otherwise()
    {
        await using var replica = await LinkedReplica.StartAsync("replica-0", context => context.Response.WriteAsync(context.Connection.RemotePort == 0 ? "link" : "tcp"));
        await using (var linked = await StartAsync(replica))
        {
            Assert.Equal("link", await linked.Client.GetStringAsync("/x"));
        }

        await using var plain = await Balancer.StartAsync([replica], ("LoadBalancer:Link", "false"));
        await plain.UntilAsync("replica-0", "ready");
        Assert.Equal("tcp", await plain.Client.GetStringAsync("/x"));
    }

    [Fact]
    public async Task Bodies_go_both_ways_and_one_that_is_not_read_holds_up_no_other()
    {
        await using var replica = await LinkedReplica.StartAsync("replica-0", async context =>
        {
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
            if (context.Request.Path == "/large")
            {
                await context.Response.Body.WriteAsync(new byte[64 << 20]);
                return;
            }

            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        await using var balancer = await StartAsync(replica);
        using var unread = await balancer.Client.GetAsync("/large", HttpCompletionOption.ResponseHeadersRead);

        var sent = new byte[1 << 20];
        Random.Shared.NextBytes(sent);
        for (var i = 0; i < 10; i++)
        {
            using var response = await Eventually.InTimeAsync(balancer.Client.PostAsync("/echo", new ByteArrayContent(sent)));
            Assert.Equal(sent, await response.Content.ReadAsByteArrayAsync());
        }

        var read = await Eventually.InTimeAsync(unread.Content.ReadAsByteArrayAsync());
        Assert.Equal(64 << 20, read.Length);
    }

    [Fact]
    public async Task A_client_that_leaves_ends_its_request_at_the_replica()
    {
        var (begun, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var replica = await LinkedReplica.StartAsync("replica-0", async context =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => ended.SetResult(), TaskScheduler.Default);
        });
        await using var balancer = await StartAsync(replica);
        using var leaves = new CancellationTokenSource();
        var request = balancer.Client.GetAsync("/x", leaves.Token);
        await Eventually.InTimeAsync(begun.Task);
        await leaves.CancelAsync();
        await Eventually.InTimeAsync(ended.Task);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
    }

    [Fact]
    public async Task What_a_replica_breaks_off_goes_to_another_when_it_is_safe()
    {
        await using var broken = await LinkedReplica.StartAsync("replica-0", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        await using var sound = await LinkedReplica.StartAsync("replica-1", context => context.Response.WriteAsync("ok"));
        await using var balancer = await StartAsync(broken, sound);
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal("ok", await balancer.Client.GetStringAsync($"/{i}"));
        }

        using var post = await balancer.Client.PostAsync("/x", new StringContent("once"));
        using var next = await balancer.Client.PostAsync("/x", new StringContent("once"));
        Assert.Contains(HttpStatusCode.BadGateway, new[] { post.StatusCode, next.StatusCode });
    }

    [Fact]
    public async Task A_replica_that_comes_back_is_linked_again()
    {
        var first = await LinkedReplica.StartAsync("replica-0", context => context.Response.WriteAsync("first"));
        await using var balancer = await StartAsync(first);
        Assert.Equal("first", await balancer.Client.GetStringAsync("/x"));
        await first.DisposeAsync();
        await Eventually.IsTrueAsync(() => !Link(balancer, first).IsOpen);

        await using var second = await LinkedReplica.StartAsync("replica-0", context => context.Response.WriteAsync("second"), first.Address.Port);
        await balancer.UntilAsync("replica-0", "ready");
        await Eventually.IsTrueAsync(() => Link(balancer, second).IsOpen);
        Assert.Equal("second", await balancer.Client.GetStringAsync("/x"));
    }

    private static async Task<Balancer> StartAsync(params LinkedReplica[] replicas)
    {
        var balancer = await Balancer.StartAsync(replicas);
        foreach (var replica in replicas)
        {
            await balancer.UntilAsync(replica.Name, "ready");
            await Eventually.IsTrueAsync(() => Link(balancer, replica).IsOpen);
        }

        return balancer;
    }

    private static ReplicaLink Link(Balancer balancer, LinkedReplica replica) =>
        balancer.Services.GetRequiredService<UpstreamConnections>().Link(replica.Address.Host, replica.Address.Port);

    /// <summary>An application that is a replica, and answers everything by one handler.</summary>
    private sealed class LinkedReplica(string name, WebApplication app) : IUpstream, IAsyncDisposable
    {
        public string Name => name;

        public Uri Address { get; } = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        public static async Task<LinkedReplica> StartAsync(string name, RequestDelegate handler, int port = 0)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
            builder.Logging.ClearProviders();
            builder.Configuration["Replica:Name"] = name;
            builder.AddReplica();
            var app = builder.Build();
            app.MapReplica();
            app.MapFallback(handler);
            await app.StartAsync();
            return new(name, app);
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
