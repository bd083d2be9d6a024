using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

public sealed class BrokenUploadTests
{
    private const int Uploads = 20;

    [Theory]
    [InlineData("/x", "Content-Length: 1000")]
    [InlineData("/x", "Content-Length: 1000000")]
    [InlineData("/x", "Transfer-Encoding: chunked")]
    [InlineData("/slow", "Content-Length: 1000")]
    [InlineData("/slow", "Content-Length: 1000000")]
    [InlineData("/slow", "Transfer-Encoding: chunked")]
    public async Task Clients_that_break_their_uploads_off_fill_no_log_and_count_against_no_replica(string path, string framing)
    {
        var (begun, ended) = (0, 0);
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            Interlocked.Increment(ref begun);
            try
            {
                await context.Request.Body.CopyToAsync(Stream.Null);
            }
            catch (BadHttpRequestException)
            {
            }
            finally
            {
                Interlocked.Increment(ref ended);
            }
        });
        await using var balancer = await Balancer.StartAsync([upstream]);
        await balancer.UntilAsync("replica-0", "ready");

        for (var i = 0; i < Uploads; i++)
        {
            using var client = new RawClient(balancer.Client.BaseAddress!);
            await client.SendAsync($"POST {path} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n3\r\nabc\r\n");
            if (framing.EndsWith("00000", StringComparison.Ordinal) && path == "/x")
            {
                // This one is passed on as it comes.
                await Eventually.IsTrueAsync(() => begun == i + 1);
            }
        }

        await Eventually.IsTrueAsync(async () => begun == ended && (await balancer.ReplicaAsync("replica-0")).GetProperty("inFlight").GetInt32() == 0);
        Assert.Equal("ready", (await balancer.ReplicaAsync("replica-0")).GetProperty("state").GetString());
        Assert.True(balancer.Log.Count == 0, string.Join(Environment.NewLine, balancer.Log));
    }
}
