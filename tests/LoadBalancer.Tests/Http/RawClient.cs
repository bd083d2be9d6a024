using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>A response, as it came.</summary>
internal sealed record RawResponse(string Head, string Body)
{
    public int Status => Head.Length > 12 ? int.Parse(Head.AsSpan(9, 3), CultureInfo.InvariantCulture) : 0;

    public string? Field(string name) =>
        Regex.Match(Head, $"\r\n{Regex.Escape(name)}: ?([^\r\n]*)", RegexOptions.IgnoreCase) is { Success: true } field ? field.Groups[1].Value : null;
}

/// <summary>A client without an HTTP stack. Text is Latin-1: a character for a byte.</summary>
internal sealed partial class RawClient : IDisposable
{
    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly NetworkStream _stream;

    public RawClient(Uri address)
    {
        _tcp.Connect(address.Host, address.Port);
        _stream = _tcp.GetStream();
        Reader = new RawReader(_stream);
    }

    public RawReader Reader { get; }

    /// <summary>Sends what is given on a connection of its own.</summary>
    public static async Task<RawResponse> ExchangeAsync(Uri address, string request, string method = "GET")
    {
        using var client = new RawClient(address);
        await client.SendAsync(request);
        return await Eventually.InTimeAsync(client.ReceiveAsync(method));
    }

    public async Task SendAsync(string text) => await _stream.WriteAsync(Encoding.Latin1.GetBytes(text));

    public void CloseSending() => _tcp.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Whether nothing more comes: the connection has ended.</summary>
    public async Task AssertClosedAsync() => Assert.Equal("", await Eventually.InTimeAsync(Reader.ToEndAsync()));

    public async Task<RawResponse> ReceiveAsync(string method = "GET")
    {
        string head;
        do
        {
            head = await Reader.UntilAsync("\r\n\r\n");
        }
        while (head.StartsWith("HTTP/1.1 1", StringComparison.Ordinal) && !head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal));

        var body = method == "HEAD" || head.Length < 12 || head[9..12] is "204" or "304" or "101" ? ""
            : head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase) ? Data(await Reader.ChunksAsync())
            : Length().Match(head) is { Success: true } length ? await Reader.BytesAsync(int.Parse(length.Groups[1].Value, CultureInfo.InvariantCulture))
            : await Reader.ToEndAsync();
        return new(head, body);
    }

    public void Dispose() => _tcp.Dispose();

    private static string Data(string chunks)
    {
        var data = new StringBuilder();
        for (var at = 0; at < chunks.Length;)
        {
            var line = chunks.IndexOf("\r\n", at, StringComparison.Ordinal);
            if (line < 0 || !int.TryParse(chunks.AsSpan(at, line - at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) || size == 0 || line + 2 + size > chunks.Length)
            {
                break;
            }

            data.Append(chunks, line + 2, size);
            at = line + 2 + size + 2;
        }

        return data.ToString();
    }

    [GeneratedRegex("\r\nContent-Length: (\\d+)\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex Length();
}
