using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using ClusterAspire.Contract;
using ClusterAspire.Link;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ClusterAspire.Replica.Tests.Link;

public sealed class LinkEndpointTests
{
    private static Task<TestApplication> StartAsync() => TestApplication.StartAsync(app =>
    {
        app.MapReplica();
        // With its length: it comes in one piece, and what is read next is the next answer.
        app.MapGet("/who", (HttpContext context) => TypedResults.Text($"{context.Connection.RemoteIpAddress} at {context.Connection.LocalPort}"));
        app.MapGet("/abort", (HttpContext context) => context.Abort());
        app.MapGet("/wait", async (HttpContext context) =>
        {
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => Left.TrySetResult(), TaskScheduler.Default);
        });
        app.MapPost("/echo", (HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body));
    });

    private static TaskCompletionSource Left { get; } = new();

    [Fact]
    public async Task Health_offers_it_and_both_ways_to_it_serve_requests()
    {
        await using var app = await StartAsync();
        var offer = await OfferAsync(app);
        Assert.Equal(Greeting.Version, offer.Version);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new DirectoryInfo(Path.GetDirectoryName(offer.Socket)!).UnixFileMode);

        foreach (var endPoint in (EndPoint[])[new UnixDomainSocketEndPoint(offer.Socket!), new IPEndPoint(IPAddress.Loopback, Port(app))])
        {
            using var link = await DialAsync(endPoint, Port(app));
            using var one = new VirtualStream(link.Open());
            using var two = new VirtualStream(link.Open());
            Assert.Contains($"127.0.0.1 at {Port(app)}", await AskAsync(one, "GET /who HTTP/1.1\r\nHost: a\r\n\r\n"), StringComparison.Ordinal);
            Assert.Contains("hello", await AskAsync(two, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), StringComparison.Ordinal);
            Assert.Contains("200 OK", await AskAsync(one, "GET /alive HTTP/1.1\r\nHost: a\r\n\r\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_aborted_request_is_broken_off_and_a_client_that_left_ends_its_request()
    {
        await using var app = await StartAsync();
        using var link = await DialAsync(new IPEndPoint(IPAddress.Loopback, Port(app)), Port(app));
        var aborted = new VirtualStream(link.Open());
        await Assert.ThrowsAsync<LinkBrokenException>(() => AskAsync(aborted, "GET /abort HTTP/1.1\r\nHost: a\r\n\r\n"));

        var left = new VirtualStream(link.Open());
        await AskAsync(left, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        left.Dispose();
        await Eventually.InTimeAsync(Left.Task);
        Assert.True(link.IsOpen);
    }

    [Fact]
    public async Task A_process_that_ends_takes_its_socket_along_and_refuses_what_comes_last()
    {
        string path;
        LinkConnection link;
        await using (var app = await StartAsync())
        {
            path = (await OfferAsync(app)).Socket!;
            link = await DialAsync(new UnixDomainSocketEndPoint(path), Port(app));
            using var last = new VirtualStream(link.Open());
            await AskAsync(last, "GET /who HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.True(File.Exists(path));
            await app.StopAsync();
            await Eventually.InTimeAsync(link.Closed);
        }

        Assert.False(File.Exists(path));
        link.Dispose();
    }

    [Fact]
    public async Task Answers_to_requests_in_flight_arrive_when_the_process_ends()
    {
        for (var i = 0; i < 20; i++)
        {
            using var begun = new CountdownEvent(8);
            var answer = new TaskCompletionSource();
            await using var app = await TestApplication.StartAsync(app =>
            {
                app.MapReplica();
                app.MapGet("/held", async () =>
                {
                    begun.Signal();
                    await answer.Task;
                    return TypedResults.Bytes(new byte[50_000]);
                });
            });
            using var link = await DialAsync(new UnixDomainSocketEndPoint((await OfferAsync(app)).Socket!), Port(app));
            var asked = Enumerable.Range(0, begun.InitialCount).Select(_ => ReadToEndAsync(link.Open())).ToList();
            Assert.True(begun.Wait(Eventually.Limit, TestContext.Current.CancellationToken));

            var stopping = app.StopAsync();
            answer.SetResult();
            Assert.All(await Eventually.InTimeAsync(Task.WhenAll(asked)), length => Assert.True(length > 50_000, $"{length} bytes came"));
            await Eventually.InTimeAsync(stopping);
        }
    }

    [Fact]
    public async Task Another_version_and_a_port_that_nobody_listens_at_get_no_greeting()
    {
        await using var app = await StartAsync();
        var socket = (await OfferAsync(app)).Socket!;
        await Assert.ThrowsAnyAsync<Exception>(() => DialAsync(new UnixDomainSocketEndPoint(socket), 1));

        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, Port(app));
        var other = Greeting.Write(Port(app));
        other[9] = 99;
        await client.SendAsync(other);
        Assert.Equal(0, await Eventually.InTimeAsync(client.ReceiveAsync(new byte[1])));
    }

    private static int Port(TestApplication app) => app.Client.BaseAddress!.Port;

    private static async Task<LinkOffer> OfferAsync(TestApplication app) => (await app.Client.GetFromJsonAsync("/health", ContractJson.Default.ReplicaHealth))!.Link!;

    private static async Task<LinkConnection> DialAsync(EndPoint endPoint, int port)
    {
        var link = await LinkDialer.ConnectAsync(endPoint, port, Eventually.Limit, new() { SendsAtOnceAfter = TimeSpan.Zero });
        _ = link.ReceiveAsync();
        return link;
    }

    private static async Task<long> ReadToEndAsync(VirtualConnection connection)
    {
        using var stream = new VirtualStream(connection);
        await stream.WriteAsync("GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var received = new MemoryStream();
        await stream.CopyToAsync(received);
        return received.Length;
    }

    private static async Task<string> AskAsync(VirtualStream stream, string request)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        var buffer = new byte[16 * 1024];
        return Encoding.ASCII.GetString(buffer, 0, await Eventually.InTimeAsync(stream.ReadAsync(buffer).AsTask()));
    }
}
