using System.Buffers.Text;
using System.Net;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>A response's status line and header fields, read line by line, and what they say of its body.</summary>
/// <remarks>
/// Strict, as RFC 9112 lets an intermediary be: what a replica sends and a client could read in another way than the
/// balancer does becomes a 502.
/// </remarks>
/// <param name="request">What it answers.</param>
/// <param name="content">Its content.</param>
#pragma warning disable CA1001 // Whoever sent the request disposes of its response.
internal sealed class ResponseHead(HttpRequestMessage request, HttpContent content)
#pragma warning restore CA1001
{
    private HttpResponseMessage? _response;
    private string? _connection;
    private bool _isHttp10;
    private bool _closes;
    private bool _staysOpen;
    private bool _isChunked;
    private long? _length;

    /// <summary>The response, with all header fields that belong to it and not to the connection.</summary>
    public HttpResponseMessage Response => _response!;

    /// <summary>The status code.</summary>
    public int Status => (int)Response.StatusCode;

    /// <summary>Whether it says that more is to come before the response (RFC 9110, 15.2).</summary>
    public bool IsInterim => Status is >= 100 and < 200 and not (int)HttpStatusCode.SwitchingProtocols;

    /// <summary>How the body ends.</summary>
    public ResponseFraming Framing { get; private set; }

    /// <summary>The body's length in bytes, where that is what ends it.</summary>
    public long Length => _length!.Value;

    /// <summary>Whether the connection takes another request when the body has ended.</summary>
    public bool KeepsConnection { get; private set; }

    /// <summary>How long the replica keeps an idle connection, as it says by <c>Keep-Alive: timeout</c>, in seconds.</summary>
    public int? IdleLimit { get; private set; }

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line, without its end.</param>
    /// <returns>Whether it was the last.</returns>
    /// <exception cref="InvalidResponseException">It is none, or framing is ambiguous.</exception>
    public bool Add(ReadOnlySpan<byte> line)
    {
        if (_response is null)
        {
            Start(line);
            return false;
        }

        if (line.IsEmpty)
        {
            End();
            return true;
        }

        ReadField(line, out var name, out var value);
        AddField(name, value);
        return false;
    }

    /// <summary>Reads a header or trailer field.</summary>
    /// <exception cref="InvalidResponseException">The line is none.</exception>
    public static void ReadField(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        if (line[0] is (byte)' ' or (byte)'\t')
        {
            throw new InvalidResponseException("a header field goes on in a second line");
        }

        var colon = line.IndexOf((byte)':');
        // Space before the colon is not passed on (RFC 9112, 5.1).
        name = colon < 0 ? default : line[..colon].TrimEnd(" \t"u8);
        if (!Latin1Text.IsToken(name))
        {
            throw new InvalidResponseException("a header field's name is not a token");
        }

        value = Latin1Text.Trim(line[(colon + 1)..]);
        if (!Latin1Text.IsValue(value))
        {
            throw new InvalidResponseException($"the value of {Latin1Text.Name(name)} has control characters");
        }
    }

    private void Start(ReadOnlySpan<byte> line)
    {
        if (line.Length < 12
            || !line.StartsWith("HTTP/1."u8)
            || line[7] is not ((byte)'0' or (byte)'1')
            || line[8] != ' '
            || !Utf8Parser.TryParse(line.Slice(9, 3), out int status, out var digits)
            || digits != 3
            || status < 100
            || (line.Length > 12 && line[12] != ' '))
        {
            throw new InvalidResponseException("it does not begin with a status line");
        }

        _isHttp10 = line[7] == '0';
        _response = new HttpResponseMessage((HttpStatusCode)status) { RequestMessage = request, Content = content };
        var reason = line.Length > 13 ? line[13..] : default;
        if (!Latin1Text.IsValue(reason))
        {
            throw new InvalidResponseException("its reason phrase has control characters");
        }

        if (!System.Text.Ascii.Equals(reason, _response.ReasonPhrase ?? ""))
        {
            _response.ReasonPhrase = Latin1Text.Value(reason);
        }
    }

    private void AddField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 10 when Latin1Text.Is(name, "Connection"u8):
                AddConnection(value);
                return;
            case 10 when Latin1Text.Is(name, "Keep-Alive"u8):
                var timeout = value.IndexOf("timeout="u8);
                IdleLimit = timeout >= 0 && Utf8Parser.TryParse(value[(timeout + 8)..], out int seconds, out _) ? seconds : null;
                return;
            case 14 when Latin1Text.Is(name, "Content-Length"u8):
                AddLength(value);
                return;
            case 17 when Latin1Text.Is(name, "Transfer-Encoding"u8):
                if (_isChunked || !Latin1Text.Is(value, "chunked"u8))
                {
                    throw new InvalidResponseException("its Transfer-Encoding is not chunked");
                }

                _isChunked = true;
                return;
        }

        Put(Latin1Text.Name(name), Latin1Text.Value(value));
    }

    private void AddConnection(ReadOnlySpan<byte> value)
    {
        if (Latin1Text.Is(value, "keep-alive"u8))
        {
            _staysOpen = true;
        }
        else if (Latin1Text.Is(value, "close"u8))
        {
            _closes = true;
        }
        else
        {
            _connection = _connection is null ? Latin1Text.Value(value) : $"{_connection}, {Latin1Text.Value(value)}";
        }
    }

    private void AddLength(ReadOnlySpan<byte> value)
    {
        // Digits alone: the parser would take a sign too.
        if (value.IsEmpty
            || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || !Utf8Parser.TryParse(value, out long length, out _)
            || (_length is { } before && before != length))
        {
            throw new InvalidResponseException("its Content-Length is not a number, or there are two");
        }

        _length = length;
    }

    private void End()
    {
        // What Connection names belongs to the connection and ends here (RFC 9110, 7.6.1).
        foreach (var option in (_connection ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            _closes |= option.Equals("close", StringComparison.OrdinalIgnoreCase);
            _staysOpen |= option.Equals("keep-alive", StringComparison.OrdinalIgnoreCase);
            if (Status is not (int)HttpStatusCode.SwitchingProtocols)
            {
                Remove(_response!.Headers, option);
                Remove(_response.Content.Headers, option);
            }
        }

        if (Status is (int)HttpStatusCode.SwitchingProtocols && _connection is not null)
        {
            Put("Connection", _connection);
        }

        if (_isChunked && _isHttp10)
        {
            throw new InvalidResponseException("HTTP/1.0 has no Transfer-Encoding");
        }

        Framing =
            Status is < 200 or 204 or 205 or 304 || request.Method == HttpMethod.Head ? ResponseFraming.None
            : _isChunked ? ResponseFraming.Chunked
            : _length is not null ? ResponseFraming.Length
            : ResponseFraming.UntilClose;

        // Chunks and a length: the chunks count, and it may be an attempt to smuggle a response (RFC 9112, 6.3).
        KeepsConnection = !_closes && (!_isHttp10 || _staysOpen) && Framing is not ResponseFraming.UntilClose && !(_isChunked && _length is not null)
            // A reset's content is left out, and it may have one in spite of RFC 9110, 15.3.6.
            && (Status is not 205 || (_length is 0 && !_isChunked));

        // A length where there is no body says how long it would be: to HEAD, and with 304.
        if (_length is not null && !_isChunked && Status is >= 200 and not (204 or 205))
        {
            Put("Content-Length", _length.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private static void Remove(System.Net.Http.Headers.HttpHeaders headers, string name)
    {
        if (headers.NonValidated.Contains(name))
        {
            headers.Remove(name);
        }
    }

    private void Put(string name, string value)
    {
        if (!_response!.Headers.TryAddWithoutValidation(name, value))
        {
            _response.Content.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
