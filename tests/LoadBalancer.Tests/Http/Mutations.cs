using System.Text;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>Requests of the corpus, changed here and there.</summary>
internal static class Mutations
{
    private static readonly string[] Corpus =
        [.. RequestCases.Refused().Select(row => row.Data.Item2), .. RequestCases.Targets().Select(row => $"GET {row.Data} HTTP/1.1\r\nHost: a\r\n\r\n")];

    /// <summary>One of them.</summary>
    public static string Next(Random random) => Mutate(Corpus[random.Next(Corpus.Length)], random);

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
}
