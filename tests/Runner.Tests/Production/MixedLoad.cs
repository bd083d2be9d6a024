using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>Requests of all kinds over kept connections, safe ones and others, each checked, until it is enough.</summary>
/// <param name="url">Where the plain service is.</param>
internal sealed class MixedLoad(Uri url)
{
    private const int Connections = 32;
    private const int MostRequests = 60_000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private static readonly byte[] Body = RandomNumberGenerator.GetBytes(100_000);
    private static readonly string Hash = Convert.ToHexStringLower(SHA256.HashData(Body));

    private volatile bool _enough;
    private int _requests;
    private Task[] _clients = [];

    /// <summary>How many requests were answered as they are to be.</summary>
    public int Answered => Volatile.Read(ref _requests);

    /// <summary>Begins.</summary>
    public void Start() => _clients = [.. Enumerable.Range(0, Connections).Select(ClientAsync)];

    /// <summary>Waits for some more answers.</summary>
    public Task GoesOnAsync(int answers)
    {
        var before = Answered;
        return Eventually.IsTrueAsync(() => Answered >= before + answers || Array.Exists(_clients, client => client.IsFaulted), "the load goes on");
    }

    /// <summary>Ends it; throws what went wrong with any request.</summary>
    public async Task EndAsync()
    {
        _enough = true;
        await Eventually.InTimeAsync(Task.WhenAll(_clients));
    }

    private async Task ClientAsync(int number)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 1 }) { BaseAddress = url, Timeout = Eventually.Limit };
        while (!_enough && Answered < MostRequests)
        {
            switch (number % 8)
            {
                case 0:
                    await IsAsync("waited", client.GetAsync("/wait?ms=100"));
                    break;
                case 1 or 2:
                    await IsAsync(Hash, client.PostAsync("/hash", new ByteArrayContent(Body)));
                    break;
                case 3:
                    await IsAsync(Hash, client.PostAsync("/hash", new Trickle(Body, TimeSpan.FromMilliseconds(20))));
                    break;
                case 4:
                    await EchoAsync();
                    break;
                default:
                    await IsAsync(null, client.GetAsync("/"));
                    break;
            }

            Interlocked.Increment(ref _requests);
            // So that what it goes on beside gets its turn.
            await Task.Delay(Pause);
        }
    }

    private static async Task IsAsync(string? text, Task<HttpResponseMessage> request)
    {
        using var response = await request;
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode is HttpStatusCode.OK && (text ?? body) == body, $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: {response} {body}");
    }

    private async Task EchoAsync()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws", Path = "/echo" }.Uri, default);
        var buffer = new byte[64];
        for (var i = 0; i < 5; i++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"message {i}"), WebSocketMessageType.Text, true, default);
            var received = await socket.ReceiveAsync(buffer, default);
            Assert.Equal($"message {i}", Encoding.UTF8.GetString(buffer, 0, received.Count));
            await Task.Delay(20);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }

    /// <summary>A body that takes its time.</summary>
    private sealed class Trickle(byte[] body, TimeSpan pause) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var piece in body.Chunk(body.Length / 8))
            {
                await stream.WriteAsync(piece);
                await Task.Delay(pause);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
