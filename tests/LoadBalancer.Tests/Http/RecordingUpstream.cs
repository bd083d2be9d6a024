using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using ClusterAspire.Link;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>What a replica sends, byte for byte, and whether it then closes the connection.</summary>
internal sealed record Reply(string Bytes, bool Close = false)
{
    public static Reply Ok { get; } = new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/// <summary>A replica without an HTTP stack, which keeps every byte it gets. Text is Latin-1: a character for a byte.</summary>
internal sealed partial class RecordingUpstream : IUpstream, IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Socket> _sockets = [];

    public RecordingUpstream(string name = "replica-0")
    {
        Name = name;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Name { get; }

    public Uri Address => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Every request but the probes', whole.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>What it answers; null closes the connection without an answer.</summary>
    public Func<string, Reply?> Answer { get; set; } = _ => Reply.Ok;

    /// <summary>Answers as soon as it has a request's head.</summary>
    public bool IsHasty { get; set; }

    public string Health { get; set; } = $$"""{"status":"Healthy","cores":4}""";

    /// <summary>Whether it says that it speaks the link; it does in any case.</summary>
    public bool OffersLink
    {
        init => Health = value ? $$$"""{"status":"Healthy","cores":4,"link":{"version":{{{Greeting.Version}}}}}""" : Health;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_end.Token);
                _sockets.Add(socket);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var first = new byte[Greeting.Length];
        if (await socket.ReceiveAsync(first, SocketFlags.Peek) == Greeting.Length && Greeting.IsBegunBy(first))
        {
            await socket.ReceiveAsync(first);
            await socket.SendAsync(first);
            var link = new LinkConnection(socket, new()
            {
                Accept = connection =>
                {
                    _ = ServeAsync(new VirtualStream(connection));
                    return true;
                },
            });
            _ = link.ReceiveAsync();
            return;
        }

        await ServeAsync(new NetworkStream(socket, ownsSocket: true));
    }

    private async Task ServeAsync(Stream stream)
    {
        await using var _ = stream;
        var reader = new RawReader(stream);
        try
        {
            while (true)
            {
                var head = await reader.UntilAsync("\r\n\r\n");
                if (head.Length == 0)
                {
                    return;
                }

                if (head.StartsWith("GET /health ", StringComparison.Ordinal))
                {
                    await WriteAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {Health.Length}\r\n\r\n{Health}");
                    continue;
                }

                var request = IsHasty ? head : head + await BodyAsync(head, reader);
                Requests.Enqueue(request);
                if (Answer(request) is not { } reply)
                {
                    return;
                }

                await WriteAsync(stream, reply.Bytes);
                if (reply.Close)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
        }
    }

    private static async Task<string> BodyAsync(string head, RawReader reader) =>
        Length().Match(head) is { Success: true } length ? await reader.BytesAsync(int.Parse(length.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))
        : head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase) ? await reader.ChunksAsync()
        : "";

    private static async Task WriteAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.Latin1.GetBytes(text));

    [GeneratedRegex("\r\nContent-Length: (\\d+)\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex Length();
}
