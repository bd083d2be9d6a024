using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>A replica that sends every WebSocket message back.</summary>
public sealed class Echo : IAsyncLifetime
{
    private UpstreamServer _upstream = null!;
    private Balancer _balancer = null!;

    public Uri Url => _balancer.Client.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        _upstream = await UpstreamServer.StartAsync(
            "replica-0",
            async context =>
            {
                if (!context.WebSockets.IsWebSocketRequest)
                {
                    context.Response.StatusCode = StatusCodes.Status403Forbidden;
                    return;
                }

                using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
                {
                    DangerousEnableCompression = true,
                    SubProtocol = context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault(),
                });
                await EchoAsync(socket, context);
            },
            build: app => app.UseWebSockets());
        _balancer = await Balancer.StartAsync([_upstream]);
    }

    public async ValueTask DisposeAsync()
    {
        await _balancer.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    private static async Task EchoAsync(WebSocket socket, HttpContext context)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (received.MessageType is WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(received.CloseStatus!.Value, received.CloseStatusDescription, CancellationToken.None);
                    return;
                }

                if (received.MessageType is WebSocketMessageType.Text && buffer.AsSpan(0, received.Count).SequenceEqual("abort"u8))
                {
                    context.Abort();
                    return;
                }

                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, CancellationToken.None);
            }
        }
        catch (WebSocketException)
        {
            // A client that broke the protocol has been told so.
        }
    }
}

/// <summary>WebSockets (RFC 6455, RFC 7692) through the balancer: frame by frame what both sides sent.</summary>
public sealed class WebSocketTests(Echo echo) : IClassFixture<Echo>
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(127)]
    [InlineData(4096)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(3_000_000)]
    public async Task A_message_of_any_length_comes_back_as_it_was_sent(int length)
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url);
        foreach (var opcode in new[] { WebSocketFrame.Binary, WebSocketFrame.Text })
        {
            var payload = Payload(length);
            var sending = client.SendAsync(new WebSocketFrame(opcode, payload));
            var message = await client.MessageAsync();
            await sending;

            Assert.Equal(opcode, message.Opcode);
            Assert.True(payload.AsSpan().SequenceEqual(message.Payload));
        }
    }

    [Theory]
    [InlineData(2, 10)]
    [InlineData(100, 1)]
    [InlineData(3, 70_000)]
    public async Task A_fragmented_message_with_pings_in_between_comes_back_and_so_do_the_pongs(int fragments, int length)
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url);
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < fragments; i++)
            {
                await client.SendAsync(
                    new WebSocketFrame(i == 0 ? WebSocketFrame.Text : WebSocketFrame.Continuation, Payload(length), Final: false),
                    new WebSocketFrame(WebSocketFrame.Ping, [(byte)i]));
            }

            await client.SendAsync(new WebSocketFrame(WebSocketFrame.Continuation, [], Final: true));
        });
        var message = await client.MessageAsync();
        await sending;

        Assert.Equal(WebSocketFrame.Text, message.Opcode);
        Assert.Equal(fragments * length, message.Payload.Length);
        Assert.Equal(Enumerable.Range(0, fragments).Select(i => (byte)i), message.Control.Where(frame => frame.Opcode is WebSocketFrame.Pong).Select(frame => frame.Payload.Single()));
    }

    [Fact]
    public async Task A_ping_of_the_greatest_length_is_answered_with_its_payload()
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url);
        await client.SendAsync(new WebSocketFrame(WebSocketFrame.Ping, Payload(125)));

        var pong = await client.ReceiveAsync();
        Assert.Equal(WebSocketFrame.Pong, pong!.Opcode);
        Assert.Equal(Payload(125), pong.Payload);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(1003)]
    [InlineData(1011)]
    [InlineData(3000)]
    [InlineData(4999)]
    public async Task A_close_code_comes_back_and_then_the_connection_ends(int code)
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url);
        await client.SendAsync(WebSocketFrame.Closing(code));

        var close = await client.ReceiveAsync();
        Assert.Equal(WebSocketFrame.Close, close!.Opcode);
        Assert.Equal(code, (close.Payload[0] << 8) | close.Payload[1]);
        Assert.Null(await client.ReceiveAsync());
    }

    [Fact]
    public async Task What_breaks_the_protocol_is_refused_by_the_replica_and_the_connection_ends()
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url);
        await client.SendUnmaskedAsync(new WebSocketFrame(WebSocketFrame.Text, "not masked"u8.ToArray()));

        // What the replica has not read when it closes resets the connection, and may overtake its last frame.
        if (await client.ReceiveAsync() is { } close)
        {
            Assert.Equal(WebSocketFrame.Close, close.Opcode);
            Assert.Equal(1002, (close.Payload[0] << 8) | close.Payload[1]);
            Assert.Null(await client.ReceiveAsync());
        }
    }

    [Fact]
    public async Task Frames_sent_with_the_handshake_are_not_lost()
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url, "", new WebSocketFrame(WebSocketFrame.Text, "early"u8.ToArray()));
        Assert.StartsWith("HTTP/1.1 101 ", client.Answer, StringComparison.Ordinal);
        Assert.Equal("early", Encoding.ASCII.GetString((await client.MessageAsync()).Payload));
    }

    [Fact]
    public async Task The_accept_key_and_a_subprotocol_are_the_replicas()
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url, "Sec-WebSocket-Protocol: chat.v2, chat\r\n");
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", client.Answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Sec-WebSocket-Protocol: chat.v2\r\n", client.Answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Compression_is_between_client_and_replica()
    {
        using var client = new ClientWebSocket();
        client.Options.DangerousDeflateOptions = new();
        client.Options.CollectHttpResponseDetails = true;
        await client.ConnectAsync(new UriBuilder(echo.Url) { Scheme = "ws", Path = "/socket" }.Uri, TestContext.Current.CancellationToken);
        Assert.Contains("permessage-deflate", client.HttpResponseHeaders!["Sec-WebSocket-Extensions"].Single(), StringComparison.Ordinal);

        var sent = Payload(300_000);
        var sending = client.SendAsync(sent, WebSocketMessageType.Binary, endOfMessage: true, TestContext.Current.CancellationToken);
        var (got, buffer) = (new MemoryStream(), new byte[16 * 1024]);
        for (WebSocketReceiveResult? received = null; received?.EndOfMessage is not true;)
        {
            received = await Eventually.InTimeAsync(client.ReceiveAsync(new ArraySegment<byte>(buffer), TestContext.Current.CancellationToken));
            got.Write(buffer, 0, received.Count);
        }

        await sending;
        Assert.True(sent.AsSpan().SequenceEqual(got.ToArray()));
        await Eventually.InTimeAsync(client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", TestContext.Current.CancellationToken));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
    }

    [Fact]
    public async Task The_client_learns_that_its_replica_has_gone()
    {
        using var client = await WebSocketClient.OpenAsync(echo.Url);
        await client.SendAsync(new WebSocketFrame(WebSocketFrame.Text, "abort"u8.ToArray()));
        Assert.Null(await client.ReceiveAsync());
    }

    [Fact]
    public async Task A_refused_upgrade_is_an_ordinary_answer()
    {
        var response = await RawClient.ExchangeAsync(echo.Url, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
        Assert.Equal((int)HttpStatusCode.Forbidden, response.Status);
    }

    // Text that is UTF-8 however it is cut.
    private static byte[] Payload(int length)
    {
        var payload = new byte[length];
        for (var i = 0; i < length; i++)
        {
            payload[i] = (byte)('a' + (i % 26));
        }

        return payload;
    }
}
