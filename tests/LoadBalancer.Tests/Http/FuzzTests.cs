using System.Text;
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
        string[] corpus = [.. RequestCases.Refused().Select(row => row.Data.Item2), .. RequestCases.Targets().Select(row => $"GET {row.Data} HTTP/1.1\r\nHost: a\r\n\r\n")];
        relay.Upstream.Answer = _ => Reply.Ok;

        do
        {
            relay.Upstream.Requests.Clear();
            for (var i = 0; i < Batch; i++)
            {
                var sent = Mutate(corpus[random.Next(corpus.Length)], random);
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

    private static string Mutate(string text, Random random)
    {
        var mutated = new StringBuilder(text);
        string[] pieces = ["\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", ";", "0", "5", "chunked", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "\xff", "%2F", "HTTP/1.0"];
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var at = random.Next(mutated.Length);
            switch (random.Next(4))
            {
                case 0:
                    mutated.Insert(at, pieces[random.Next(pieces.Length)]);
                    break;
                case 1:
                    mutated.Remove(at, Math.Min(random.Next(1, 8), mutated.Length - at));
                    break;
                case 2:
                    mutated[at] = (char)random.Next(256);
                    break;
                default:
                    mutated.Insert(at, mutated.ToString(at, Math.Min(random.Next(1, 20), mutated.Length - at)));
                    break;
            }

            if (mutated.Length == 0)
            {
                mutated.Append('x');
            }
        }

        return mutated.ToString();
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
