using System.Globalization;
using ClusterAspire.LoadBalancer.Tests.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>Connections that Kestrel has not seen: what it does for its own is done for them.</summary>
public sealed class PlainConnectionTests
{
    private const string Get = "GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n";

    // Kestrel's: its length is not known before.
    private const string Chunked = "POST /fast HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";

    [Fact]
    public async Task When_the_load_balancer_stops_those_without_a_request_end_and_the_others_get_their_answer()
    {
        var answer = new TaskCompletionSource();
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            if (context.Request.Path == "/wait")
            {
                await answer.Task;
            }

            await context.Response.WriteAsync("ok");
        });
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        using var silent = new RawClient(balancer.Client.BaseAddress!);
        using var idle = new RawClient(balancer.Client.BaseAddress!);
        await idle.SendAsync(Get);
        Assert.Equal("ok", (await Eventually.InTimeAsync(idle.ReceiveAsync())).Body);
        using var busy = new RawClient(balancer.Client.BaseAddress!);
        await busy.SendAsync(Get.Replace("/fast", "/wait", StringComparison.Ordinal));
        await Eventually.IsTrueAsync(() => upstream.Requests == 2);

        var stopped = balancer.StopAsync();
        await silent.AssertClosedAsync();
        await idle.AssertClosedAsync();
        Assert.False(stopped.IsCompleted);
        answer.SetResult();

        var response = await Eventually.InTimeAsync(busy.ReceiveAsync());
        Assert.Equal(("ok", "close"), (response.Body, response.Field("Connection")));
        await busy.AssertClosedAsync();
        await Eventually.InTimeAsync(stopped);
    }

    [Fact]
    public async Task They_are_counted_as_Kestrels_are_and_not_twice()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        var clients = Enumerable.Range(0, 3).Select(_ => new RawClient(balancer.Client.BaseAddress!)).ToList();

        await clients[1].SendAsync(Get);
        Assert.Equal(200, (await Eventually.InTimeAsync(clients[1].ReceiveAsync())).Status);
        await clients[2].SendAsync(Chunked);
        Assert.Equal(200, (await Eventually.InTimeAsync(clients[2].ReceiveAsync())).Status);

        await Eventually.IsTrueAsync(async () => await FigureAsync(balancer, "kestrel_active_connections") == 3);
        clients.ForEach(client => client.Dispose());
        await Eventually.IsTrueAsync(async () =>
            (await FigureAsync(balancer, "kestrel_active_connections"), await FigureAsync(balancer, "kestrel_connection_duration_seconds_count")) == (0, 3));
    }

    [Fact]
    public async Task One_that_waits_longer_for_a_request_than_Kestrel_allows_is_closed_and_so_is_one_in_the_middle_of_a_head()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => context.Response.WriteAsync("ok"));
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");
        var limits = balancer.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;

        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1);
        using var half = new RawClient(balancer.Client.BaseAddress!);
        await half.SendAsync("GET /fast HTTP/1.1\r\n");
        using var idle = new RawClient(balancer.Client.BaseAddress!);
        await half.AssertClosedAsync();
        await idle.SendAsync(Get);
        Assert.Equal(200, (await Eventually.InTimeAsync(idle.ReceiveAsync())).Status);

        limits.KeepAliveTimeout = TimeSpan.FromSeconds(1);
        await idle.AssertClosedAsync();
    }

    // Of the public port, all its series together.
    private static async Task<double> FigureAsync(Balancer balancer, string name) =>
        (await balancer.Admin.GetStringAsync("/metrics")).Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) && line.Contains($"server_port=\"{balancer.Client.BaseAddress!.Port}\"", StringComparison.Ordinal))
            .Sum(line => double.Parse(line.Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture));
}
