using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace ClusterAspire.Runner.Tests.Chaos;

/// <summary>Clients of all kinds, until they are told to end; what failed them is kept.</summary>
/// <param name="url">The public port.</param>
/// <param name="disturbances">What they live through.</param>
internal sealed class Load(Uri url, Disturbances disturbances)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly ConcurrentQueue<string> _failures = new();
    private int _sequence;
    private int _answered;

    /// <summary>Safe requests that were not answered, and wrong answers of any kind.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Payments that were asked for.</summary>
    public ConcurrentQueue<string> Payments { get; } = new();

    /// <summary>Payments that were answered with 200.</summary>
    public ConcurrentQueue<string> Paid { get; } = new();

    /// <summary>How many requests and messages were answered.</summary>
    public int Answered => _answered;

    public async Task RunAsync(CancellationToken end)
    {
        using var http1 = Client(HttpVersion.Version11);
        using var http2 = Client(HttpVersion.Version20);
        await Task.WhenAll(
            ReadAsync(http1, "read", end), ReadAsync(http1, "read", end), ReadAsync(http1, "compute", end),
            ReadAsync(http2, "read", end), ReadAsync(http2, "compute", end),
            PayAsync(http1, end), PayAsync(http2, end), UploadAsync(http1, end), TalkAsync(end), BreakOffAsync(end));
    }

    private HttpClient Client(Version version) => new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = url,
        DefaultRequestVersion = version,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Eventually.Limit,
    };

    private string Next() => $"{Interlocked.Increment(ref _sequence)}";

    private async Task ReadAsync(HttpClient client, string path, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var id = Next();
            try
            {
                using var response = await client.GetAsync($"/{path}/{id}", CancellationToken.None);
                var body = await response.Content.ReadAsStringAsync(CancellationToken.None);
                Expect(response.StatusCode is HttpStatusCode.OK && body == id, $"GET /{path}/{id} by HTTP/{client.DefaultRequestVersion}: {(int)response.StatusCode} {body}");
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException)
            {
                Expect(disturbances.IsBalancerAway, $"GET /{path}/{id} by HTTP/{client.DefaultRequestVersion}: {exception}");
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private async Task PayAsync(HttpClient client, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var id = Next();
            Payments.Enqueue(id);
            try
            {
                // With a body, because HttpClient itself repeats a POST without one when its connection is cut, as by a killed balancer.
                using var response = await client.PostAsync($"/pay/{id}", new StringContent(id), CancellationToken.None);
                if (response.StatusCode is HttpStatusCode.OK)
                {
                    Paid.Enqueue(id);
                    Interlocked.Increment(ref _answered);
                }
                else
                {
                    // The one replica that had it failed; nobody may have it again.
                    Expect(response.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout or HttpStatusCode.ServiceUnavailable, $"POST /pay/{id}: {(int)response.StatusCode}");
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                Expect(disturbances.IsBalancerAway, $"POST /pay/{id}: {exception}");
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private async Task UploadAsync(HttpClient client, CancellationToken end)
    {
        var body = new byte[300_000];
        while (!end.IsCancellationRequested)
        {
            try
            {
                using var response = await client.PostAsync("/upload", new ByteArrayContent(body), CancellationToken.None);
                var text = await response.Content.ReadAsStringAsync(CancellationToken.None);
                Expect(
                    response.StatusCode is HttpStatusCode.OK ? text == $"{body.Length}" : response.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout or HttpStatusCode.ServiceUnavailable,
                    $"POST /upload: {(int)response.StatusCode} {text}");
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException)
            {
                Expect(disturbances.IsBalancerAway, $"POST /upload: {exception}");
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    // A socket lasts as long as its replica; what comes over it is what was sent.
    private async Task TalkAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            using var socket = new ClientWebSocket();
            socket.Options.Proxy = null;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(end);
            try
            {
                await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws", Path = "/socket" }.Uri, limit.Token);
                var buffer = new byte[256];
                while (true)
                {
                    var message = Encoding.ASCII.GetBytes(Next());
                    await socket.SendAsync(message, WebSocketMessageType.Text, true, limit.Token);
                    var received = await socket.ReceiveAsync(buffer, limit.Token);
                    if (received.MessageType is WebSocketMessageType.Close)
                    {
                        break;
                    }

                    Expect(message.AsSpan().SequenceEqual(buffer.AsSpan(0, received.Count)), "a WebSocket message came back changed");
                    await Task.Delay(Pause, limit.Token);
                }
            }
            catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
            {
                // Its replica went, or the end has come.
                await Task.Delay(Pause, CancellationToken.None);
            }
        }
    }

    // Clients without manners: half a request, and gone.
    private async Task BreakOffAsync(CancellationToken end)
    {
        string[] halves = ["GET /read/x HT", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc", "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "GET /compute/x HTTP/1.1\r\nHost: a\r\n\r\n"];
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            try
            {
                using var client = new TcpClient { LingerState = new(true, 0) };
                await client.ConnectAsync(url.Host, url.Port, CancellationToken.None);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(halves[i % halves.Length]), CancellationToken.None);
                await Task.Delay(Pause, CancellationToken.None);
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                Expect(disturbances.IsBalancerAway, $"connect: {exception.Message}");
            }

            await Task.Delay(4 * Pause, CancellationToken.None);
        }
    }

    private void Expect(bool met, string failure)
    {
        if (met)
        {
            Interlocked.Increment(ref _answered);
        }
        else
        {
            _failures.Enqueue(FormattableString.Invariant($"{disturbances.Elapsed.TotalSeconds:0.0} {failure}"));
        }
    }
}
