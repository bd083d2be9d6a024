using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>A frame as RFC 6455, 5.2, has it.</summary>
internal sealed record WebSocketFrame(int Opcode, byte[] Payload, bool Final = true, bool Compressed = false)
{
    public const int Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;

    public static WebSocketFrame Closing(int code) => new(Close, [(byte)(code >> 8), (byte)code]);
}

/// <summary>A WebSocket client that decides on each frame itself, and takes nothing that a server must not send.</summary>
internal sealed class WebSocketClient : IDisposable
{
    private static readonly byte[] Mask = [0x12, 0x34, 0x56, 0x78];

    private readonly TcpClient _tcp = new() { NoDelay = true };
    private NetworkStream _stream = null!;

    /// <summary>The head of the server's answer.</summary>
    public string Answer { get; private set; } = "";

    /// <summary>Connects; frames that are given go out together with the handshake.</summary>
    public static async Task<WebSocketClient> OpenAsync(Uri address, string fields = "", params WebSocketFrame[] first)
    {
        var client = new WebSocketClient();
        await client._tcp.ConnectAsync(address.Host, address.Port);
        client._stream = client._tcp.GetStream();
        var handshake = Encoding.ASCII.GetBytes(
            $"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n");
        await client._stream.WriteAsync(first.Aggregate(handshake, (bytes, frame) => [.. bytes, .. Bytes(frame)]));
        client.Answer = await Eventually.InTimeAsync(client.ReadHeadAsync());
        return client;
    }

    public async Task SendAsync(params WebSocketFrame[] frames) => await _stream.WriteAsync(frames.SelectMany(frame => Bytes(frame)).ToArray());

    /// <summary>Sends a frame as only a server may: unmasked.</summary>
    public async Task SendUnmaskedAsync(WebSocketFrame frame) => await _stream.WriteAsync(Bytes(frame, masked: false));

    /// <summary>The next frame, or null when the connection has ended.</summary>
    public Task<WebSocketFrame?> ReceiveAsync() => Eventually.InTimeAsync(ReadFrameAsync());

    /// <summary>The next message, whole, and the control frames that came before its end.</summary>
    public async Task<(int Opcode, byte[] Payload, IReadOnlyList<WebSocketFrame> Control)> MessageAsync()
    {
        var (opcode, payload, control) = (0, new MemoryStream(), new List<WebSocketFrame>());
        while (true)
        {
            var frame = await ReceiveAsync();
            Assert.NotNull(frame);
            if (frame.Opcode >= WebSocketFrame.Close)
            {
                control.Add(frame);
                continue;
            }

            Assert.Equal(payload.Length == 0 && opcode == 0, frame.Opcode != WebSocketFrame.Continuation);
            opcode = opcode == 0 ? frame.Opcode : opcode;
            payload.Write(frame.Payload);
            if (frame.Final)
            {
                return (opcode, payload.ToArray(), control);
            }
        }
    }

    public void Dispose() => _tcp.Dispose();

    private static byte[] Bytes(WebSocketFrame frame, bool masked = true)
    {
        var length = frame.Payload.Length;
        var head = new List<byte> { (byte)((frame.Final ? 0x80 : 0) | (frame.Compressed ? 0x40 : 0) | frame.Opcode) };
        var bit = masked ? 0x80 : 0;
        if (length < 126)
        {
            head.Add((byte)(bit | length));
        }
        else
        {
            var extended = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(extended, length);
            head.Add((byte)(bit | (length <= ushort.MaxValue ? 126 : 127)));
            head.AddRange(length <= ushort.MaxValue ? extended[6..] : extended);
        }

        return masked
            ? [.. head, .. Mask, .. frame.Payload.Select((value, at) => (byte)(value ^ Mask[at % 4]))]
            : [.. head, .. frame.Payload];
    }

    private async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await _stream.ReadAsync(one) == 1)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private async Task<WebSocketFrame?> ReadFrameAsync()
    {
        var head = new byte[2];
        try
        {
            await _stream.ReadExactlyAsync(head);
        }
        catch (Exception exception) when (exception is EndOfStreamException or IOException)
        {
            return null;
        }

        Assert.True((head[1] & 0x80) == 0, "A server must not mask (RFC 6455, 5.1).");
        long length = head[1] & 0x7f;
        if (length >= 126)
        {
            var extended = new byte[length == 126 ? 2 : 8];
            await _stream.ReadExactlyAsync(extended);
            length = extended.Aggregate(0L, (sum, value) => (sum << 8) | value);
        }

        var payload = new byte[length];
        await _stream.ReadExactlyAsync(payload);
        return new(head[0] & 0xf, payload, (head[0] & 0x80) != 0, (head[0] & 0x40) != 0);
    }
}
