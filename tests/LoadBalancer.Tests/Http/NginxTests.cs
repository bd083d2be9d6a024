using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>nginx before a recording replica of its own.</summary>
public sealed class Nginx : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-nginx-").FullName;
    private TestProcess? _process;

    internal RecordingUpstream Upstream { get; } = new();

    /// <summary>Where it listens.</summary>
    public Uri Url { get; } = new($"http://127.0.0.1:{FreePort.Next()}");

    /// <summary>Its program, or null where it is not installed.</summary>
    public static string? Program { get; } = Array.Find(["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"], File.Exists);

    public async ValueTask InitializeAsync()
    {
        if (Program is null)
        {
            return;
        }

        var configuration = Path.Combine(_folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            daemon off;
            master_process off;
            error_log stderr crit;
            pid {{_folder}}/nginx.pid;
            events {}
            http {
                access_log off;
                client_header_timeout 1s;
                client_body_timeout 1s;
                keepalive_timeout 1s;
                lingering_close off;
                proxy_read_timeout 1s;
                proxy_send_timeout 1s;
                send_timeout 1s;
                client_body_temp_path {{_folder}}/body;
                proxy_temp_path {{_folder}}/proxy;
                fastcgi_temp_path {{_folder}}/fastcgi;
                uwsgi_temp_path {{_folder}}/uwsgi;
                scgi_temp_path {{_folder}}/scgi;
                server {
                    listen {{Url.Authority}};
                    location / {
                        proxy_pass {{Upstream.Address.GetLeftPart(UriPartial.Authority)}};
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_ignore_client_abort on;
                    }
                }
            }
            """);
        _process = TestProcess.Start(Program, "-p", _folder, "-e", "stderr", "-c", configuration);
        await Eventually.IsTrueAsync(
            async () =>
            {
                try
                {
                    return (await RawClient.ExchangeAsync(Url, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).Status == 200;
                }
                catch (System.Net.Sockets.SocketException)
                {
                    return false;
                }
            },
            "nginx serves");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        await Upstream.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Mutations of the corpus sent to the balancer and to nginx: what both pass on, they read alike.</summary>
public sealed partial class NginxTests(EdgeRelay relay, Nginx nginx, ITestOutputHelper output) : IClassFixture<EdgeRelay>, IClassFixture<Nginx>
{
    private const int DefaultSeed = 20261128;
    private const int Requests = 400;

    [Fact]
    public async Task What_both_pass_on_they_read_alike()
    {
        Requires.That(Nginx.Program is not null, "nginx is not installed.");
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CLUSTERASPIRE_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given) ? given : DefaultSeed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var both = 0;
        for (var i = 0; i < Requests; i++)
        {
            var sent = Mutations.Next(random);
            var ours = await ReadAsync(relay.Url, relay.Upstream, sent);
            var theirs = await ReadAsync(nginx.Url, nginx.Upstream, sent);
            // One may refuse what the other passes on.
            foreach (var (request, body) in ours)
            {
                if (theirs.TryGetValue(request, out var other))
                {
                    both++;
                    Assert.True(body == other, $"{request} in {Quoted(sent)} has the body {Quoted(body)}, for nginx {Quoted(other)}.");
                }
            }
        }

        Assert.True(both > Requests / 20, $"Only {both} requests were passed on by both.");
    }

    private static async Task<Dictionary<string, string>> ReadAsync(Uri url, RecordingUpstream upstream, string sent)
    {
        upstream.Requests.Clear();
        using var client = new RawClient(url);
        await client.SendAsync(sent);
        client.CloseSending();
        await Eventually.InTimeAsync(client.Reader.ToEndAsync());
        // What breaks off was not passed on: its body was found unsound on the way.
        return upstream.Requests.Where(IsWhole).Select(Meaning).DistinctBy(request => request.Request).ToDictionary(request => request.Request, request => request.Body);
    }

    private static bool IsWhole(string request)
    {
        var end = request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        var (head, body) = (request[..end], request[end..]);
        return Chunked().IsMatch(head) ? body == "0\r\n\r\n" || body.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal)
            : Length().Match(head) is not { Success: true } length || body.Length == int.Parse(length.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    // Method, target and body; how the body is framed between proxy and replica is the proxy's.
    private static (string Request, string Body) Meaning(string request)
    {
        var end = request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        var body = request[end..];
        return ($"{request.Split(' ')[0]} {request.Split(' ')[1]}", Chunked().IsMatch(request[..end]) ? Data(body) : body);
    }

    private static string Data(string chunks)
    {
        var data = new StringBuilder();
        for (var at = 0; at < chunks.Length;)
        {
            var line = chunks.IndexOf("\r\n", at, StringComparison.Ordinal);
            var size = int.Parse(chunks.AsSpan(at, line - at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (size == 0)
            {
                break;
            }

            data.Append(chunks, line + 2, size);
            at = line + 2 + size + 2;
        }

        return data.ToString();
    }

    private static string Quoted(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    [GeneratedRegex("\r\nContent-Length: ([0-9]+)\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex Length();

    [GeneratedRegex("\r\nTransfer-Encoding: chunked\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex Chunked();
}
