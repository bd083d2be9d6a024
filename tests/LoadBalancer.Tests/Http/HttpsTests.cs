using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

public sealed class HttpsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("clusteraspire-https-");

    public HttpsTests()
    {
        using var certificate = LocalCertificate.Create();
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(PathOf("key.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(PathOf("certificate.pem"), certificate.ExportCertificatePem());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answers_of_any_length_come_whole_to_clients_fast_and_slow(bool hasLength)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", context => AnswerAsync(context, hasLength));
        var port = FreePort.Next();
        await using var balancer = await StartAsync(upstream, port);
        using var client = Client(port);

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            // Below a record, about one, several, and more than the socket's buffers hold.
            foreach (var length in (int[])[0, 100, (16 * 1024) + i, 100_000 + i, 5_000_000 + i])
            {
                using var response = await client.GetAsync($"/{length}", HttpCompletionOption.ResponseHeadersRead);
                await using var body = await response.Content.ReadAsStreamAsync();
                if (i % 4 == 0)
                {
                    // Nothing of it has been read by now.
                    await Task.Delay(100);
                }

                using var received = new MemoryStream();
                await Eventually.InTimeAsync(body.CopyToAsync(received));
                Assert.Equal(Bytes(length), received.ToArray());
            }
        }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Requests_of_any_length_come_whole_one_after_the_other_on_a_connection(bool hasLength)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", async context =>
        {
            using var received = new MemoryStream();
            await context.Request.Body.CopyToAsync(received);
            await context.Response.Body.WriteAsync(SHA256.HashData(received.ToArray()));
        });
        var port = FreePort.Next();
        await using var balancer = await StartAsync(upstream, port);
        using var client = Client(port);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            // The edge passes the short ones on, and Kestrel from the first long one.
            foreach (var length in (int[])[0, 100, (16 * 1024) - 200 + i, (16 * 1024) + i, 100, 5_000_000 + i, 100])
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(Bytes(length)) };
                request.Headers.TransferEncodingChunked = !hasLength;
                using var response = await Eventually.InTimeAsync(client.SendAsync(request));
                Assert.Equal(SHA256.HashData(Bytes(length)), await response.Content.ReadAsByteArrayAsync());
            }
        }));
    }

    private Task<Balancer> StartAsync(UpstreamServer upstream, int port) => Balancer.StartAsync(
        [upstream],
        ("LoadBalancer:Listen:0", $"https://127.0.0.1:{port}"),
        ("Kestrel:Certificates:Default:Path", PathOf("certificate.pem")),
        ("Kestrel:Certificates:Default:KeyPath", PathOf("key.pem")));

    private static HttpClient Client(int port) => new(
        new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => LocalCertificate.Is(certificate) } })
    {
        BaseAddress = new($"https://127.0.0.1:{port}"),
    };

    private static Task AnswerAsync(HttpContext context, bool hasLength)
    {
        var bytes = Bytes(int.TryParse(context.Request.Path.Value!.TrimStart('/'), CultureInfo.InvariantCulture, out var length) ? length : 0);
        context.Response.ContentLength = hasLength ? bytes.Length : null;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);
}
