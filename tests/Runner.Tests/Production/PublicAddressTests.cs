using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>A cluster as others than this machine see it.</summary>
public sealed class PublicAddressTests
{
    private const string Proxy = "127.0.0.2";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clients_come_by_https_by_trusted_proxies_and_by_a_unix_socket()
    {
        await using var cluster = new PlainCluster();
        var (https, socket) = (FreePort.Next(), Path.Combine(cluster.Folder, "public.sock"));
        WriteCertificate(cluster.Folder, "first.example");
        cluster.Write(new { }, new
        {
            replicas = 1,
            listen = (string[])[$"https://127.0.0.1:{https}", $"http://unix:{socket}"],
            kestrel = new { certificates = new { @default = new { path = "certificate.pem", keyPath = "key.pem" } } },
            loadBalancer = new { trustedProxies = (string[])[Proxy], httpsRedirect = true, hstsDays = 30 },
        });
        await cluster.StartAsync();
        await cluster.Runner.LineAsync(line => line.Contains($"https://127.0.0.1:{https}", StringComparison.Ordinal), "the address is shown");

        // HTTPS, by both versions; the service knows of it, and whom it speaks to, whatever the client says of itself.
        using var client = Client(out var seen);
        foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using var secure = await SendAsync(client, $"https://127.0.0.1:{https}/client", version, host: "shop.example", forged: true);
            Assert.Equal((HttpStatusCode.OK, version), (secure.StatusCode, secure.Version));
            Assert.Equal("127.0.0.1 https shop.example", await secure.Content.ReadAsStringAsync(Cancelled));
            Assert.Equal("max-age=2592000", Assert.Single(secure.Headers.GetValues("Strict-Transport-Security")));
        }

        Assert.Equal(["CN=first.example"], seen.Distinct());

        // HTTP is sent there.
        using var plain = await client.GetAsync($"http://127.0.0.1:{cluster.Port}/client?a=b", Cancelled);
        Assert.Equal(HttpStatusCode.TemporaryRedirect, plain.StatusCode);
        Assert.Equal(new Uri($"https://127.0.0.1:{https}/client?a=b"), plain.Headers.Location);

        // A proxy that is trusted speaks for its client.
        using var proxy = Client(out _, IPAddress.Parse(Proxy));
        using var forwarded = await SendAsync(proxy, $"http://127.0.0.1:{cluster.Port}/client", HttpVersion.Version11, "proxy.internal", forged: true);
        Assert.Equal("203.0.113.9 https forged.example", await forwarded.Content.ReadAsStringAsync(Cancelled));

        // So does whoever may use the socket.
        using var local = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (_, cancelled) => await ConnectAsync(new UnixDomainSocketEndPoint(socket), null, cancelled) });
        using var bySocket = await SendAsync(local, "http://shop.example/client", HttpVersion.Version11, "shop.example", forged: true);
        Assert.Equal("203.0.113.9 https forged.example", await bySocket.Content.ReadAsStringAsync(Cancelled));
    }

    [Fact]
    public async Task A_certificate_that_changes_is_taken_up_and_costs_nobody_a_request()
    {
        await using var cluster = new PlainCluster();
        var https = FreePort.Next();
        WriteCertificate(cluster.Folder, "first.example");
        cluster.Write(new { }, new
        {
            replicas = 1,
            listen = (string[])[$"https://127.0.0.1:{https}"],
            kestrel = new { certificates = new { @default = new { path = "certificate.pem", keyPath = "key.pem" } } },
        });
        await cluster.StartAsync();

        // One that is no certificate changes nothing.
        await File.WriteAllTextAsync(Path.Combine(cluster.Folder, "certificate.pem"), "none", Cancelled);
        await cluster.Runner.LineAsync(line => line.Contains("the certificate of before is used on", StringComparison.Ordinal), "it is said");
        WriteCertificate(cluster.Folder, "second.example");

        var subjects = new List<string>();
        await Eventually.IsTrueAsync(
            async () =>
            {
                // A connection each.
                using var client = Client(out var seen);
                using var response = await client.GetAsync($"https://127.0.0.1:{https}/", Cancelled);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                subjects.AddRange(seen);
                return subjects[^1] is "CN=second.example";
            },
            "the new certificate is used");
        Assert.Equal(["CN=first.example", "CN=second.example"], subjects.Append("CN=first.example").Distinct().Order());
    }

    [Fact]
    public async Task With_affinity_a_client_keeps_its_replica_for_as_long_as_that_serves()
    {
        await using var cluster = new PlainCluster();
        cluster.Write(new { }, new { affinity = "cookie" });
        await cluster.StartAsync();
        Assert.Equal(2, (await cluster.PidsAsync(isNew: true)).Count);
        var pid = Assert.Single(await cluster.PidsAsync());

        Unix.Signal(pid, Unix.SigKill);

        await Eventually.IsTrueAsync(async () => await cluster.PidsAsync() is { Count: 1 } pids && pids.Single() != pid, "another serves it, and goes on to");
        // Replicas of this machine share their keys, and who leads.
        Assert.EndsWith("/plain/keys", await cluster.GetAsync("/environment/Replica__KeyDirectory"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Https_without_a_certificate_says_what_to_name()
    {
        await using var cluster = new PlainCluster();
        cluster.Write(new { }, new { replicas = 1, listen = (string[])[$"https://127.0.0.1:{FreePort.Next()}"] });

        var (exitCode, run) = await cluster.TellAsync("run", "--config", Path.Combine(cluster.Folder, "clusteraspire.json"));

        Assert.Equal(1, exitCode);
        Assert.EndsWith(": HTTPS needs a certificate: name a PEM file by Kestrel:Certificates:Default:Path and its key's by KeyPath, or a PFX file and its Password.", Assert.Single(run.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sockets_of_a_socket_unit_are_taken_over()
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("systemd-socket-activate", "--version"), "systemd is not installed.");
        await using var cluster = new PlainCluster();
        var port = FreePort.Next();
        cluster.Write(new { }, new { replicas = 1, listen = "systemd" });
        var starting = cluster.StartAsync("systemd-socket-activate", $"--listen=127.0.0.1:{port}");
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new($"http://127.0.0.1:{port}"), Timeout = Eventually.Limit };
        await Eventually.IsTrueAsync(() => !FreePort.IsFree(port), "the socket listens");

        // The first connection starts it, and waits.
        Assert.NotEmpty(await client.GetStringAsync("/", Cancelled));

        await starting;
        Assert.NotEmpty(await client.GetStringAsync("/", Cancelled));
        // Only the balancer has it.
        var replica = (await cluster.PidsAsync()).Single();
        Assert.DoesNotContain(Directory.GetFiles($"/proc/{replica}/fd"), link => new FileInfo(link).LinkTarget == new FileInfo($"/proc/{cluster.Runner.Pid}/fd/3").LinkTarget);
    }

    private static HttpClient Client(out List<string> subjects, IPAddress? from = null)
    {
        List<string> seen = subjects = [];
        return new(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    seen.Add(certificate!.Subject);
                    return seen[^1].EndsWith(".example", StringComparison.Ordinal);
                },
            },
            ConnectCallback = async (context, cancelled) => await ConnectAsync(new IPEndPoint(IPAddress.Loopback, context.DnsEndPoint.Port), from, cancelled),
        });
    }

    private static async Task<Stream> ConnectAsync(EndPoint endPoint, IPAddress? from, CancellationToken cancelled)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(from, 0));
        }

        await socket.ConnectAsync(endPoint, cancelled);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, string url, Version version, string host, bool forged)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Headers = { Host = host } };
        if (forged)
        {
            request.Headers.Add("X-Forwarded-For", "203.0.113.9");
            request.Headers.Add("X-Forwarded-Proto", "https");
            request.Headers.Add("X-Forwarded-Host", "forged.example");
            request.Headers.Add("Forwarded", "for=203.0.113.9;host=forged.example");
        }

        return client.SendAsync(request, Cancelled);
    }

    private static void WriteCertificate(string folder, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(folder, "certificate.pem"), certificate.ExportCertificatePem());
    }
}
