using System.Net;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

public sealed class OnceTests
{
    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("PAY")]
    [InlineData("get")]
    public async Task A_request_that_is_not_safe_arrives_once_when_a_kept_connection_ends_without_an_answer(string method)
    {
        await using var first = new RecordingUpstream("replica-0");
        await using var second = new RecordingUpstream("replica-1");
        first.Answer = second.Answer = request => request.Contains("/end", StringComparison.Ordinal) ? null : Reply.Ok;
        await using var balancer = await Balancer.StartAsync([first, second]);

        // So that connections to both are kept.
        for (var i = 0; i < 8; i++)
        {
            await balancer.Client.GetStringAsync("/warm");
        }

        var response = await RawClient.ExchangeAsync(balancer.Client.BaseAddress!, $"{method} /end HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(502, response.Status);
        Assert.Single(first.Requests.Concat(second.Requests), request => request.Contains("/end", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_safe_request_arrives_at_each_replica_once_at_most()
    {
        await using var first = new RecordingUpstream("replica-0");
        await using var second = new RecordingUpstream("replica-1");
        first.Answer = second.Answer = request => request.Contains("/end", StringComparison.Ordinal) ? null : Reply.Ok;
        await using var balancer = await Balancer.StartAsync([first, second]);
        for (var i = 0; i < 8; i++)
        {
            await balancer.Client.GetStringAsync("/warm");
        }

        using var response = await balancer.Client.GetAsync("/end");
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        foreach (var upstream in new[] { first, second })
        {
            Assert.Single(upstream.Requests, request => request.Contains("/end", StringComparison.Ordinal));
        }
    }
}
