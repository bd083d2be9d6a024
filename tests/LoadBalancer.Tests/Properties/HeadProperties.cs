using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using ClusterAspire.LoadBalancer.Health;
using CsCheck;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Properties;

/// <summary>What holds of heads and probes' answers whatever their bytes are.</summary>
public sealed class HeadProperties
{
    private const string Token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly HashSet<string> Framing = new(StringComparer.OrdinalIgnoreCase) { "Connection", "Keep-Alive", "Content-Length", "Transfer-Encoding", "Host", "Cookie", "Expires", "Last-Modified", "Allow" };

    private static readonly Gen<string> Names = Gen.String[Gen.Char[Token], 1, 20].Where(name => !Framing.Contains(name) && !name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase));
    private static readonly Gen<string> Values = Gen.String[Gen.OneOf(Gen.Char[' ', '~'], Gen.Char['\x80', '\xff']), 0, 40].Select(value => value.Trim(' ', '\t'));

    [Fact]
    public void A_response_head_arrives_as_it_was_sent() =>
        Gen.Select(Gen.Int[200, 599], Gen.Select(Names, Values).Array[0, 8]).Sample((status, fields) =>
        {
            using var request = new HttpRequestMessage();
            var head = new ResponseHead(request, new ResponseContent());
            Assert.False(head.Add(Bytes($"HTTP/1.1 {status} Reason")));
            foreach (var (name, value) in fields)
            {
                Assert.False(head.Add(Bytes($"{name}: {value}")));
            }

            Assert.True(head.Add([]));
            Assert.Equal(status, head.Control.Status);
            Assert.Equal(
                fields.Select(field => (field.Item1.ToLowerInvariant(), field.Item2)).Order(),
                head.Response.Headers.NonValidated.SelectMany(field => field.Value.Select(value => (field.Key.ToLowerInvariant(), value))).Order());
        });

    [Fact]
    public void Any_bytes_are_a_response_head_or_an_invalid_response_and_no_value_ends_a_line() =>
        Gen.String[Gen.OneOf(Gen.Char["\r\n\0 \t:,"], Gen.Char['!', '~'], Gen.Char['\0', '\xff']), 0, 30].Array[0, 6].Sample(lines =>
        {
            using var request = new HttpRequestMessage();
            var head = new ResponseHead(request, new ResponseContent());
            try
            {
                head.Add(Bytes("HTTP/1.1 200 OK"));
                foreach (var line in lines)
                {
                    if (head.Add(Bytes(line)))
                    {
                        break;
                    }
                }
            }
            catch (InvalidResponseException)
            {
                return;
            }

            Assert.All(
                head.Response.Headers.NonValidated.SelectMany(field => field.Value.Append(field.Key)),
                text => Assert.True(text.AsSpan().IndexOfAny('\r', '\n', '\0') < 0));
        });

    [Fact]
    public void A_request_head_is_written_as_it_came_or_not_at_all() =>
        Gen.Select(Names, Gen.OneOf(Values, Gen.String[0, 20])).Array[0, 6].Sample(fields =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://127.0.0.1:1/x");
            foreach (var (name, value) in fields)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            var output = new ArrayBufferWriter<byte>();
            try
            {
                RequestHead.Write(request, output);
            }
            catch (UnsendableRequestException)
            {
                return;
            }

            var lines = Encoding.Latin1.GetString(output.WrittenSpan).Split("\r\n");
            Assert.Equal(["GET /x HTTP/1.1", "Host: 127.0.0.1:1"], lines[..2]);
            Assert.Equal(["", ""], lines[^2..]);
            Assert.Equal(
                request.Headers.NonValidated.SelectMany(field => field.Value.Select(value => $"{field.Key}: {value}")).Order(),
                lines[2..^2].Order());
        });

    [Fact]
    public async Task Whatever_health_answers_the_probe_has_an_answer()
    {
        var bodies = Gen.OneOf(
            Gen.Byte.Array[0, 64],
            Gen.String.Select(text => Encoding.UTF8.GetBytes($"{{\"status\":\"{text}\",\"name\":{text}}}")),
            Gen.Select(Gen.OneOf("status", "name", "pid", "core", "cores", "startedAt", "computeRoutes", "lane"), Gen.OneOf("null", "1", "-1", "1e99", "\"\"", "[]", "{}", "[null]", "true", "\"2026-13-45\""), (key, value) => Encoding.UTF8.GetBytes($"{{\"{key}\":{value}}}")));
        await Gen.Select(Gen.Int[200, 599], Gen.OneOf("application/json", "application/json; charset=utf8", "application/json; charset=\"\"", "text/html", "x", ""), bodies).SampleAsync(async (status, type, body) =>
        {
            using var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent(body) };
            response.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            var answer = await ProbeAnswer.ReadAsync(response, CancellationToken.None);

            Assert.Equal(status < 500, answer.Serves);
            Assert.NotNull(answer.Report);
        });
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
