using System.Buffers;
using ClusterAspire.LoadBalancer.Forwarding.Http1;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// Follows the HTTP/1.1 requests of a connection, byte by byte, and finds where one is framed in a way that the replica
/// could read differently than Kestrel does (RFC 9112, 6 and 7).
/// </summary>
/// <remarks>
/// Kestrel accepts a list of codings that ends in <c>chunked</c>, a length with a sign, HTTP/1.0 with chunks and lines that end in LF
/// alone. Kestrel checks everything else itself.
/// </remarks>
internal sealed class RequestFraming
{
    private Part _part = Part.RequestLine;
    private bool _isHttp10;
    private bool _isChunked;
    private long? _length;

    // Of the body, or of the chunk.
    private long _left;

    private enum Part
    {
        RequestLine,
        Fields,
        Body,
        ChunkSize,
        Chunk,
        ChunkEnd,
        Trailers,
        Opaque,
    }

    /// <summary>The connection has left HTTP: what comes now is WebSocket's or somebody else's.</summary>
    public void Upgraded() => _part = Part.Opaque;

    /// <summary>Checks what has come. Of an incomplete line it takes nothing: it is to be shown again, with the rest.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="end">How many were checked; where it is not sound, up to the bad line.</param>
    /// <returns>Whether it is valid.</returns>
    public bool IsSound(in ReadOnlySequence<byte> bytes, out long end)
    {
        var reader = new SequenceReader<byte>(bytes);
        end = 0;
        while (!reader.End)
        {
            if (_part is Part.Opaque)
            {
                end = bytes.Length;
                return true;
            }

            if (_part is Part.Body or Part.Chunk)
            {
                var skip = Math.Min(_left, reader.Remaining);
                reader.Advance(skip);
                _left -= skip;
                if (_left == 0)
                {
                    _part = _part is Part.Body ? Part.RequestLine : Part.ChunkEnd;
                }
            }
            else if (!reader.TryReadTo(out ReadOnlySpan<byte> line, (byte)'\n'))
            {
                return true;
            }
            else if (!IsLineSound(line))
            {
                return false;
            }

            end = reader.Consumed;
        }

        return true;
    }

    private bool IsLineSound(ReadOnlySpan<byte> line)
    {
        if (line is not [.., (byte)'\r'])
        {
            return false;
        }

        line = line[..^1];
        switch (_part)
        {
            case Part.RequestLine:
                // Empty lines before the request line are ignored (RFC 9112, 2.2).
                if (!line.IsEmpty)
                {
                    (_isHttp10, _isChunked, _length) = (line.EndsWith("HTTP/1.0"u8), false, null);
                    _part = Part.Fields;
                }

                // Kestrel accepts a CR within the target.
                return Latin1Text.IsValue(line);
            case Part.Fields:
                return line.IsEmpty ? EndHead() : IsFieldSound(line);
            case Part.ChunkSize:
                return IsSizeSound(line);
            case Part.ChunkEnd:
                _part = Part.ChunkSize;
                return line.IsEmpty;
            default:
                if (line.IsEmpty)
                {
                    _part = Part.RequestLine;
                }

                return line.IndexOf((byte)'\r') < 0;
        }
    }

    private bool EndHead()
    {
        _left = _length ?? 0;
        _part = _isChunked ? Part.ChunkSize : _left > 0 ? Part.Body : Part.RequestLine;
        // Another recipient could use the other one of the two (RFC 9112, 6.1).
        return !_isChunked || (_length is null && !_isHttp10);
    }

    private bool IsFieldSound(ReadOnlySpan<byte> line)
    {
        if (line.Length > 17 && line[17] == ':' && Latin1Text.Is(line[..17], "Transfer-Encoding"u8))
        {
            var isSound = !_isChunked && Latin1Text.Is(Latin1Text.Trim(line[18..]), "chunked"u8);
            _isChunked = true;
            return isSound;
        }

        if (line.Length > 14 && line[14] == ':' && Latin1Text.Is(line[..14], "Content-Length"u8))
        {
            var digits = Latin1Text.Trim(line[15..]);
            var isSound = _length is null && digits.Length is > 0 and < 19 && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9');
            _length = isSound ? long.Parse(digits, System.Globalization.CultureInfo.InvariantCulture) : 0;
            return isSound;
        }

        return true;
    }

    private bool IsSizeSound(ReadOnlySpan<byte> line)
    {
        var extensions = line.IndexOf((byte)';');
        var digits = extensions < 0 ? line : line[..extensions].TrimEnd(" \t"u8);
        if (digits.Length is 0 or > 15
            || line.IndexOf((byte)'\r') >= 0
            || !long.TryParse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out _left))
        {
            return false;
        }

        _part = _left > 0 ? Part.Chunk : Part.Trailers;
        return true;
    }
}
