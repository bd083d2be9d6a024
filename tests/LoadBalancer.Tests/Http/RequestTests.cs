using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

public abstract class RequestTests(Relay relay)
{
    [Theory]
    [MemberData(nameof(RequestCases.Refused), MemberType = typeof(RequestCases))]
    public async Task Is_refused_and_what_follows_is_no_request(string name, string bytes)
    {
        relay.Upstream.Requests.Clear();
        relay.Upstream.Answer = _ => Reply.Ok;
        using var client = new RawClient(relay.Url);
        await client.SendAsync(bytes);
        var response = await Eventually.InTimeAsync(client.ReceiveAsync());
        Assert.True(response.Status is 400 or 405 or 411 or 414 or 501 or 505, $"{name}: {response.Head}");

        if (bytes.StartsWith("CONNECT", StringComparison.Ordinal))
        {
            // Sound, and only not served: the next request is one.
            await Eventually.InTimeAsync(client.ReceiveAsync());
        }
        else
        {
            await client.AssertClosedAsync();
            Assert.DoesNotContain(relay.Upstream.Requests, request => request.Contains("/smuggled", StringComparison.Ordinal));
        }

        Assert.DoesNotContain(relay.Upstream.Requests, request => request.Contains("Evil", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(RequestCases.Targets), MemberType = typeof(RequestCases))]
    public async Task The_target_arrives_byte_for_byte(string target)
    {
        var response = await relay.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        Assert.Equal(200, response.Status);
        Assert.StartsWith($"GET {target} HTTP/1.1\r\n", relay.Arrived(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(RequestCases.Values), MemberType = typeof(RequestCases))]
    public async Task A_value_arrives_byte_for_byte_in_both_directions(string value)
    {
        var response = await relay.ExchangeAsync(
            $"GET /x HTTP/1.1\r\nHost: a\r\nX-Odd: {value}\r\nCookie: {value}\r\n\r\n",
            new Reply($"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Odd: {value}\r\nSet-Cookie: {value}\r\n\r\nok"));
        Assert.Equal(200, response.Status);
        Assert.Contains($"\r\nX-Odd: {value}\r\n", relay.Arrived(), StringComparison.Ordinal);
        Assert.Contains($"\r\nCookie: {value}\r\n", relay.Arrived(), StringComparison.Ordinal);
        Assert.Equal(value, response.Field("X-Odd"));
        Assert.Equal(value, response.Field("Set-Cookie"));
    }

    [Theory]
    [MemberData(nameof(RequestCases.Methods), MemberType = typeof(RequestCases))]
    public async Task A_method_arrives_as_it_is_and_nothing_is_added_to_the_request(string method)
    {
        var response = await relay.ExchangeAsync($"{method} /x HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(200, response.Status);
        Assert.StartsWith($"{method} /x HTTP/1.1\r\n", relay.Arrived(), StringComparison.Ordinal);
        Assert.DoesNotContain("Content-Length", relay.Arrived(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Transfer-Encoding", relay.Arrived(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET http://shop.example/a%2Fb?c HTTP/1.1", "GET /a%2Fb?c HTTP/1.1")]
    [InlineData("GET http://shop.example HTTP/1.1", "GET / HTTP/1.1")]
    [InlineData("GET http://shop.example?a HTTP/1.1", "GET /?a HTTP/1.1")]
    [InlineData("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1")]
    public async Task Other_forms_of_a_target_arrive_as_a_server_is_to_get_them(string line, string arrives)
    {
        await relay.ExchangeAsync($"{line}\r\nHost: shop.example\r\n\r\n");
        Assert.StartsWith(arrives + "\r\n", relay.Arrived(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n\r\nhello")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("transfer-encoding: Chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: y\r\n\r\n")]
    public async Task A_body_arrives_once_and_the_next_request_after_it(string body)
    {
        relay.Upstream.Requests.Clear();
        relay.Upstream.Answer = _ => Reply.Ok;
        using var client = new RawClient(relay.Url);
        await client.SendAsync($"POST /x HTTP/1.1\r\nHost: a\r\n{body}\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(200, (await Eventually.InTimeAsync(client.ReceiveAsync())).Status);
        Assert.Equal(200, (await Eventually.InTimeAsync(client.ReceiveAsync())).Status);
        Assert.Equal(2, relay.Upstream.Requests.Count);
        Assert.Contains("hello", relay.Upstream.Requests.First().Replace("2\r\nhe\r\n3\r\nllo", "hello", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.StartsWith("GET /next ", relay.Upstream.Requests.Last(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("shop.example")]
    [InlineData("shop.example:8443")]
    [InlineData("[::1]:80")]
    public async Task The_replica_gets_the_host_that_the_client_asked_for(string host)
    {
        await relay.ExchangeAsync($"GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Assert.Contains($"\r\nHost: {host}\r\n", relay.Arrived(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_replica_gets_its_own_address_for_host_where_the_user_wants_that()
    {
        await using var upstream = new RecordingUpstream();
        await using var balancer = await Balancer.StartAsync([upstream], ("LoadBalancer:OriginalHost", "false"));
        await RawClient.ExchangeAsync(balancer.Client.BaseAddress!, "GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n");

        var arrived = Assert.Single(upstream.Requests);
        Assert.Contains($"\r\nHost: {upstream.Address.Authority}\r\n", arrived, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Host: shop.example\r\n", arrived, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_that_connection_names_end_here_and_those_the_balancer_adds_do_not()
    {
        await relay.ExchangeAsync("GET /x HTTP/1.1\r\nHost: a\r\nConnection: X-Mine, X-Forwarded-For, Host\r\nX-Mine: y\r\nKeep-Alive: 5\r\nTE: trailers\r\n\r\n");
        Assert.DoesNotContain("X-Mine", relay.Arrived(), StringComparison.Ordinal);
        Assert.DoesNotContain("Keep-Alive", relay.Arrived(), StringComparison.Ordinal);
        Assert.Contains("\r\nHost: a\r\n", relay.Arrived(), StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-For: 127.0.0.1\r\n", relay.Arrived(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_closes_its_side_is_answered()
    {
        relay.Upstream.Requests.Clear();
        relay.Upstream.Answer = _ =>
        {
            Thread.Sleep(300);
            return Reply.Ok;
        };
        using var client = new RawClient(relay.Url);
        await client.SendAsync("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        client.CloseSending();
        Assert.Equal("ok", (await Eventually.InTimeAsync(client.ReceiveAsync())).Body);
    }
}

public sealed class RequestsByYarp(YarpRelay relay) : RequestTests(relay), IClassFixture<YarpRelay>;

public sealed class RequestsAtTheEdge(EdgeRelay relay) : RequestTests(relay), IClassFixture<EdgeRelay>;

public sealed class RequestsByTheLink(LinkRelay relay) : RequestTests(relay), IClassFixture<LinkRelay>;
