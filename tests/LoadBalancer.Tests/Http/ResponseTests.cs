using System.Net;
using System.Text;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

public abstract class ResponseTests(Relay relay)
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

    [Theory]
    [MemberData(nameof(ResponseCases.Refused), MemberType = typeof(ResponseCases))]
    public async Task What_is_no_response_is_502_or_cut_and_nothing_of_it_is_injected(string bytes)
    {
        // Not safe, so that it is not tried again.
        var response = await relay.ExchangeAsync("DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", new Reply(bytes, Close: true));
        Assert.True(response.Status is 502 || (response.Status is 200 && response.Body is "" && bytes.Contains("chunked", StringComparison.Ordinal)), response.Head);
        Assert.Null(response.Field("Evil"));
        relay.Arrived();
    }

    [Theory]
    [MemberData(nameof(ResponseCases.Passed), MemberType = typeof(ResponseCases))]
    public async Task A_response_goes_through_and_the_next_request_gets_its_own(string bytes, string body)
    {
        relay.Upstream.Requests.Clear();
        relay.Upstream.Answer = request => request.Contains("/next", StringComparison.Ordinal)
            ? new Reply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
            : new Reply(bytes, Close: body.Length > 0 && !bytes.Contains("ength", StringComparison.Ordinal) && !bytes.Contains("ncoding", StringComparison.Ordinal));
        var status = int.Parse(bytes[bytes.LastIndexOf("HTTP/1.", StringComparison.Ordinal)..].Split(' ', '\r')[1], System.Globalization.CultureInfo.InvariantCulture);

        using var client = new RawClient(relay.Url);
        await client.SendAsync(Get);
        var response = await Eventually.InTimeAsync(client.ReceiveAsync());
        Assert.Equal((status, body), (response.Status, response.Body));

        await client.SendAsync(Get.Replace("/x", "/next", StringComparison.Ordinal));
        Assert.Equal("next", (await Eventually.InTimeAsync(client.ReceiveAsync())).Body);
        Assert.Equal(2, relay.Upstream.Requests.Count);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n0\r\n")]
    public async Task A_response_that_breaks_off_does_not_look_complete(string bytes)
    {
        relay.Upstream.Answer = _ => new Reply(bytes, Close: true);
        using var client = new RawClient(relay.Url);
        await client.SendAsync(Get);
        var all = await Eventually.InTimeAsync(client.Reader.ToEndAsync());
        Assert.False(all.EndsWith("0\r\n\r\n", StringComparison.Ordinal) && all.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), all);
    }

    [Fact]
    public async Task Head_keeps_the_length_that_get_would_have()
    {
        var response = await relay.ExchangeAsync("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", new Reply("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"x\"\r\n\r\n"), "HEAD");
        Assert.Equal("12345", response.Field("Content-Length"));
    }

    [Fact]
    public async Task Several_cookies_stay_several_and_fields_of_the_connection_end_here()
    {
        var response = await relay.ExchangeAsync(Get, new Reply("HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Expires=Wed, 01 Jan 2031 00:00:00 GMT\r\nSet-Cookie: c=d\r\nConnection: X-Mine\r\nX-Mine: y\r\nContent-Length: 2\r\n\r\nok"));
        Assert.Contains("Set-Cookie: a=b; Expires=Wed, 01 Jan 2031 00:00:00 GMT\r\n", response.Head, StringComparison.Ordinal);
        Assert.Contains("Set-Cookie: c=d\r\n", response.Head, StringComparison.Ordinal);
        Assert.Null(response.Field("X-Mine"));
    }

    [Theory]
    [InlineData("Content-Length: 1000000", "large")]
    [InlineData("Transfer-Encoding: chunked", "large")]
    [InlineData("Expect: 100-continue\r\nContent-Length: 1000000", "large")]
    [InlineData("Content-Length: 1000000", "")]
    public async Task An_answer_before_the_body_reaches_the_client(string framing, string body)
    {
        await using var upstream = new RecordingUpstream { IsHasty = true, Answer = _ => new Reply($"HTTP/1.1 413 Too Large\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}", Close: true) };
        await using var balancer = await Balancer.StartAsync([upstream]);
        var response = await RawClient.ExchangeAsync(balancer.Client.BaseAddress!, $"POST /x HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
        Assert.Equal((413, body), (response.Status, response.Body));
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public async Task A_client_that_asks_first_is_told_to_go_on()
    {
        relay.Upstream.Requests.Clear();
        relay.Upstream.Answer = _ => Reply.Ok;
        using var client = new RawClient(relay.Url);
        await client.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100", await Eventually.InTimeAsync(client.Reader.UntilAsync("\r\n\r\n")), StringComparison.Ordinal);
        await client.SendAsync("hello");
        Assert.Equal(200, (await Eventually.InTimeAsync(client.ReceiveAsync())).Status);
        Assert.EndsWith("hello", relay.Arrived(), StringComparison.Ordinal);
    }
}

public sealed class ResponsesByYarp(YarpRelay relay) : ResponseTests(relay), IClassFixture<YarpRelay>;

public sealed class ResponsesAtTheEdge(EdgeRelay relay) : ResponseTests(relay), IClassFixture<EdgeRelay>;

public sealed class ResponsesByTheLink(LinkRelay relay) : ResponseTests(relay), IClassFixture<LinkRelay>;
