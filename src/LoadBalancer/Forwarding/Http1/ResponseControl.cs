using System.Buffers.Text;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>What a response's status line and header fields say of its body and its connection. Used again and again.</summary>
/// <remarks>
/// Checks responses as strictly as RFC 9112 allows an intermediary: a response that a client could read differently than the load
/// balancer becomes a 502.
/// </remarks>
internal sealed class ResponseControl
{
    private bool _isToHead;
    private bool _isHttp10;
    private bool _closes;
    private bool _staysOpen;
    private bool _isChunked;

    /// <summary>The status code.</summary>
    public int Status { get; private set; }

    /// <summary>Whether it says that more is to come before the response (RFC 9110, 15.2).</summary>
    public bool IsInterim => Status is >= 100 and < 200 and not StatusCodes.Status101SwitchingProtocols;

    /// <summary>How the body ends.</summary>
    public ResponseFraming Framing { get; private set; }

    /// <summary>What <c>Content-Length</c> says, in bytes; null when there is none.</summary>
    public long? Length { get; private set; }

    /// <summary>Whether <c>Content-Length</c> is passed on. Where there is no body it says how long it would be: to HEAD, and with 304.</summary>
    public bool PassesLength => Length is not null && !_isChunked && Status is >= 200 and not (204 or 205);

    /// <summary>What <c>Connection</c> names beside <c>close</c> and <c>keep-alive</c>, or null.</summary>
    public string? Connection { get; private set; }

    /// <summary>Whether the connection takes another request when the body has ended.</summary>
    public bool KeepsConnection { get; private set; }

    /// <summary>How long the replica keeps an idle connection, as it says by <c>Keep-Alive: timeout</c>, in seconds.</summary>
    public int? IdleLimit { get; private set; }

    /// <summary>Begins another response.</summary>
    /// <param name="isToHead">Whether it answers HEAD.</param>
    public void Reset(bool isToHead)
    {
        (_isToHead, _isHttp10, _closes, _staysOpen, _isChunked) = (isToHead, false, false, false, false);
        (Status, Framing, Length, Connection, KeepsConnection, IdleLimit) = (0, ResponseFraming.None, null, null, false, null);
    }

    /// <summary>Reads the status line.</summary>
    /// <returns>The reason phrase.</returns>
    /// <exception cref="InvalidResponseException">It is none.</exception>
    public ReadOnlySpan<byte> Start(ReadOnlySpan<byte> line)
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

        (_isHttp10, Status) = (line[7] == '0', status);
        var reason = line.Length > 13 ? line[13..] : default;
        return Latin1Text.IsValue(reason) ? reason : throw new InvalidResponseException("its reason phrase has control characters");
    }

    /// <summary>Reads a header field.</summary>
    /// <returns>Whether it belongs to the response; else it is the connection's, or says what is said again.</returns>
    /// <exception cref="InvalidResponseException">Framing is ambiguous.</exception>
    public bool Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 10 when Latin1Text.Is(name, "Connection"u8):
                AddConnection(value);
                return false;
            case 10 when Latin1Text.Is(name, "Keep-Alive"u8):
                var timeout = value.IndexOf("timeout="u8);
                IdleLimit = timeout >= 0 && Utf8Parser.TryParse(value[(timeout + 8)..], out int seconds, out _) ? seconds : null;
                return false;
            case 14 when Latin1Text.Is(name, "Content-Length"u8):
                AddLength(value);
                return false;
            case 17 when Latin1Text.Is(name, "Transfer-Encoding"u8):
                if (_isChunked || !Latin1Text.Is(value, "chunked"u8))
                {
                    throw new InvalidResponseException("its Transfer-Encoding is not chunked");
                }

                _isChunked = true;
                return false;
            default:
                return true;
        }
    }

    /// <summary>All fields have been read.</summary>
    /// <exception cref="InvalidResponseException">They contradict each other.</exception>
    public void End()
    {
        if (Connection is not null)
        {
            foreach (var option in ConnectionOptions())
            {
                _closes |= option.Equals("close", StringComparison.OrdinalIgnoreCase);
                _staysOpen |= option.Equals("keep-alive", StringComparison.OrdinalIgnoreCase);
            }
        }

        if (_isChunked && _isHttp10)
        {
            throw new InvalidResponseException("HTTP/1.0 has no Transfer-Encoding");
        }

        Framing =
            Status is < 200 or 204 or 205 or 304 || _isToHead ? ResponseFraming.None
            : _isChunked ? ResponseFraming.Chunked
            : Length is not null ? ResponseFraming.Length
            : ResponseFraming.UntilClose;

        // Both chunks and a length: the chunks are used, and it may be an attempt to smuggle a response (RFC 9112, 6.3).
        KeepsConnection = !_closes && (!_isHttp10 || _staysOpen) && Framing is not ResponseFraming.UntilClose && !(_isChunked && Length is not null)
            // A reset's content is left out, and it may have one in spite of RFC 9110, 15.3.6.
            && (Status is not 205 || (Length is 0 && !_isChunked));
    }

    /// <summary>What <c>Connection</c> names: fields that belong to the connection and end here (RFC 9110, 7.6.1).</summary>
    public string[] ConnectionOptions() => (Connection ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

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
            Connection = Connection is null ? Latin1Text.Value(value) : $"{Connection}, {Latin1Text.Value(value)}";
        }
    }

    private void AddLength(ReadOnlySpan<byte> value)
    {
        // Digits alone: the parser would take a sign too.
        if (value.IsEmpty
            || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || !Utf8Parser.TryParse(value, out long length, out _)
            || (Length is { } before && before != length))
        {
            throw new InvalidResponseException("its Content-Length is not a number, or there are two");
        }

        Length = length;
    }
}
