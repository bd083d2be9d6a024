using System.Text.RegularExpressions;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>
/// Mutations of the corpus: whatever is sent, what arrives is framed in one way only, and the balancer serves on.
/// CLUSTERASPIRE_FUZZ_SECONDS makes it longer, CLUSTERASPIRE_FUZZ_SEED repeats a run.
/// </summary>
public abstract partial class FuzzTests(Relay relay, ITestOutputHelper output)
{
    private const int DefaultSeed = 20261125;
    private const int Batch = 300;

    [Fact]
    public async Task Whatever_is_sent_what_arrives_is_sound()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CLUSTERASPIRE_FUZZ_SEED"), out var given) ? given : DefaultSeed;
        var end = DateTime.UtcNow + TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("CLUSTERASPIRE_FUZZ_SECONDS"), out var seconds) ? seconds : 0);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        relay.Upstream.Answer = _ => Reply.Ok;

        do
        {
            relay.Upstream.Requests.Clear();
            for (var i = 0; i < Batch; i++)
            {
                var sent = Mutations.Next(random);
                using var client = new RawClient(relay.Url);
                await client.SendAsync(sent);
                // The end of what it sends, so that what is cut short is not waited for.
                client.CloseSending();
                await Eventually.InTimeAsync(client.Reader.ToEndAsync());
            }

            Assert.All(relay.Upstream.Requests, AssertSound);
            Assert.Equal(200, (await RawClient.ExchangeAsync(relay.Url, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")).Status);
        }
        while (DateTime.UtcNow < end);
    }

    private static void AssertSound(string request)
    {
        var head = request[..(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)];
        Assert.DoesNotMatch(BareEnd(), head);
        Assert.Matches(Lines(), head);
        Assert.True(Framing().Count(head) <= 1, head);
    }

    [GeneratedRegex("(?<!\r)\n|\r(?!\n)|\0")]
    private static partial Regex BareEnd();

    [GeneratedRegex("^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ \r\n]+ HTTP/1\\.1\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n]*\r\n)+\r\n$")]
    private static partial Regex Lines();

    [GeneratedRegex("\r\n(Content-Length: [0-9]+|Transfer-Encoding: chunked)\r\n")]
    private static partial Regex Framing();
}

public sealed class FuzzByYarp(YarpRelay relay, ITestOutputHelper output) : FuzzTests(relay, output), IClassFixture<YarpRelay>;

public sealed class FuzzAtTheEdge(EdgeRelay relay, ITestOutputHelper output) : FuzzTests(relay, output), IClassFixture<EdgeRelay>;

public sealed class FuzzByTheLink(LinkRelay relay, ITestOutputHelper output) : FuzzTests(relay, output), IClassFixture<LinkRelay>;
