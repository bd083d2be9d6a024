using System.Buffers;
using System.Buffers.Text;
using System.Text;
using ClusterAspire.LoadBalancer.Forwarding.Http1;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>What was found where a request begins.</summary>
internal enum EdgeFinding
{
    /// <summary>A plain request, whole.</summary>
    Plain,

    /// <summary>What may be the beginning of one.</summary>
    Incomplete,

    /// <summary>Anything else: good or bad, it is Kestrel's to say.</summary>
    Odd,
}

/// <summary>
/// A plain HTTP/1.1 request: one pass reads it and writes the head for the replica. The object is reused. A request that is not
/// certainly valid and ordinary is <see cref="EdgeFinding.Odd"/>; nothing is refused here.
/// </summary>
internal sealed class EdgeRequest
{
    /// <summary>How long a head may be, in bytes.</summary>
    public const int LongestHead = 16 * 1024;

    private const int LongestLine = 8 * 1024;
    private const int MostFields = 100;
    private const int SmallestBuffer = 512;

    // Larger buffers are not kept.
    private const int LargestBuffer = 4096;

    private static readonly SearchValues<byte> PathBytes = SearchValues.Create("!$&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz{|}~"u8);
    private static readonly SearchValues<byte> QueryBytes = SearchValues.Create("!$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz{|}~"u8);
    private static readonly SearchValues<byte> HostBytes = SearchValues.Create("-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private ArrayBufferWriter<byte> _written = new(SmallestBuffer);
    private readonly char[] _target = new char[256];
    private int _pathLength;
    private int _targetLength;
    private bool _hasHost;
    private Range _host;
    private Range? _userAgent;
    private bool _hasCookie;

    /// <summary>The method.</summary>
    public string Method { get; private set; } = "";

    /// <summary>Whether it may be sent twice: a safe method (RFC 9110, 9.2.1) and no body.</summary>
    public bool IsSafe { get; private set; }

    /// <summary>The path, decoded.</summary>
    public ReadOnlySpan<char> Path => _target.AsSpan(0, _pathLength);

    /// <summary>The query with its <c>?</c>, or nothing.</summary>
    public ReadOnlySpan<char> Query => _target.AsSpan(_pathLength, _targetLength - _pathLength);

    /// <summary>Whether the client wants the connection closed after the response.</summary>
    public bool Closes { get; private set; }

    /// <summary>How long its body is, in bytes.</summary>
    public long BodyLength { get; private set; }

    /// <summary>How long all of it is, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The client's trace as it sent it, if it did and traces are read.</summary>
    public string? TraceParent { get; private set; }

    /// <inheritdoc cref="TraceParent"/>
    public string? TraceState { get; private set; }

    /// <summary>The client's name for itself.</summary>
    public string? UserAgent => _userAgent is { } written ? Latin1Text.Value(_written.WrittenSpan[written]) : null;

    /// <summary>The <c>Host</c> field.</summary>
    public string Host => Latin1Text.Value(_written.WrittenSpan[_host]);

    /// <summary>As a replica is to get it: the head without its last line, then, after <see cref="Finish"/>, all.</summary>
    public ArrayBufferWriter<byte> Written => _written;

    /// <summary>Reads a request.</summary>
    /// <param name="bytes">What has come, up to <see cref="LongestHead"/> bytes and what body follows.</param>
    /// <param name="longestBody">How long a body may be, in bytes.</param>
    /// <param name="isTraced">Whether its trace is read, and left out of what is written.</param>
    /// <param name="trusts">Whether what a proxy in front says of the client may be true, which is looked at elsewhere.</param>
    public EdgeFinding Read(ReadOnlySpan<byte> bytes, long longestBody, bool isTraced, bool trusts)
    {
        var end = bytes[..Math.Min(bytes.Length, LongestHead)].IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            // The rest of a request that is not plain is not awaited.
            return bytes.Length < LongestHead && MayBegin(bytes) ? EdgeFinding.Incomplete : EdgeFinding.Odd;
        }

        if (_written.Capacity > LargestBuffer)
        {
            _written = new(SmallestBuffer);
        }

        _written.ResetWrittenCount();
        (_hasHost, _hasCookie, Closes, BodyLength, TraceParent, TraceState, _userAgent) = (false, false, false, -1, null, null, null);
        var head = bytes[..(end + 2)];
        var line = head.IndexOf("\r\n"u8);
        if (!ReadLine(head[..line]))
        {
            return EdgeFinding.Odd;
        }

        var fields = 0;
        for (head = head[(line + 2)..]; !head.IsEmpty; head = head[(line + 2)..])
        {
            line = head.IndexOf("\r\n"u8);
            if (++fields > MostFields || !ReadField(head[..line], isTraced, trusts))
            {
                return EdgeFinding.Odd;
            }
        }

        IsSafe = BodyLength < 0 && Method is "GET" or "HEAD" or "OPTIONS";
        BodyLength = Math.Max(0, BodyLength);
        if (!_hasHost || BodyLength > longestBody)
        {
            return EdgeFinding.Odd;
        }

        Length = end + 4 + (int)BodyLength;
        return bytes.Length < Length ? EdgeFinding.Incomplete : EdgeFinding.Plain;
    }

    /// <summary>Ends the head and adds the body.</summary>
    /// <param name="body">The body.</param>
    public void Finish(ReadOnlySpan<byte> body)
    {
        _written.Write("\r\n"u8);
        _written.Write(body);
    }

    /// <summary>Adds a header field.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var field = _written.GetSpan(name.Length + value.Length + 4);
        name.CopyTo(field);
        ": "u8.CopyTo(field[name.Length..]);
        value.CopyTo(field[(name.Length + 2)..]);
        "\r\n"u8.CopyTo(field[(name.Length + 2 + value.Length)..]);
        _written.Advance(name.Length + value.Length + 4);
    }

    /// <summary>Adds a header field.</summary>
    public void Add(ReadOnlySpan<byte> name, string value) => Add(name, Encoding.Latin1.GetBytes(value));

    private static bool MayBegin(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8 ? !char.IsAsciiLetterUpper((char)bytes[0]) : MethodOf(bytes) is null)
        {
            return false;
        }

        for (int end; (end = bytes.IndexOf((byte)'\n')) >= 0; bytes = bytes[(end + 1)..])
        {
            if (end == 0 || bytes[end - 1] != '\r')
            {
                return false;
            }
        }

        return true;
    }

    private static string? MethodOf(ReadOnlySpan<byte> line) =>
        line.StartsWith("GET "u8) ? "GET"
        : line.StartsWith("POST "u8) ? "POST"
        : line.StartsWith("PUT "u8) ? "PUT"
        : line.StartsWith("HEAD "u8) ? "HEAD"
        : line.StartsWith("DELETE "u8) ? "DELETE"
        : line.StartsWith("PATCH "u8) ? "PATCH"
        : line.StartsWith("OPTIONS "u8) ? "OPTIONS"
        : null;

    private bool ReadLine(ReadOnlySpan<byte> line)
    {
        if (MethodOf(line) is not { } method || !line.EndsWith(" HTTP/1.1"u8) || line.Length > LongestLine)
        {
            return false;
        }

        Method = method;
        var target = line[(method.Length + 1)..^" HTTP/1.1".Length];
        var question = target.IndexOf((byte)'?');
        var path = question < 0 ? target : target[..question];
        // A target that must be decoded, or has dot segments, is not plain.
        if (path.IsEmpty || path[0] != '/' || path.ContainsAnyExcept(PathBytes) || path.IndexOf("/."u8) >= 0 || path.IndexOf("//"u8) >= 0
            || (question >= 0 && target[question..].ContainsAnyExcept(QueryBytes))
            || target.Length > _target.Length)
        {
            return false;
        }

        Encoding.ASCII.GetChars(target, _target);
        (_pathLength, _targetLength) = (path.Length, target.Length);
        _written.Write(line);
        _written.Write("\r\n"u8);
        return true;
    }

    private bool ReadField(ReadOnlySpan<byte> line, bool isTraced, bool trusts)
    {
        var colon = line.IndexOf((byte)':');
        if (colon <= 0)
        {
            return false;
        }

        var name = line[..colon];
        var value = Latin1Text.Trim(line[(colon + 1)..]);
        if (!Latin1Text.IsToken(name) || !Latin1Text.IsValue(value))
        {
            return false;
        }

        switch (EdgeField.Of(name))
        {
            case EdgeFieldKind.Odd:
                return false;
            case EdgeFieldKind.Replaced:
                return !trusts;
            case EdgeFieldKind.Host:
                if (_hasHost || !IsHost(value))
                {
                    return false;
                }

                _hasHost = true;
                Add("X-Forwarded-Host"u8, value);
                _host = ValueOfLast(value);
                break;
            case EdgeFieldKind.Cookie:
                if (_hasCookie)
                {
                    return false;
                }

                _hasCookie = true;
                break;
            case EdgeFieldKind.Connection:
                Closes |= Latin1Text.Is(value, "close"u8);
                return Closes || Latin1Text.Is(value, "keep-alive"u8);
            case EdgeFieldKind.ContentLength:
                if (BodyLength >= 0 || value.Length is 0 or > 9 || value.ContainsAnyExceptInRange((byte)'0', (byte)'9') || !Utf8Parser.TryParse(value, out int length, out _))
                {
                    return false;
                }

                BodyLength = length;
                break;
            case EdgeFieldKind.TraceParent when isTraced:
                TraceParent = Latin1Text.Value(value);
                return true;
            case EdgeFieldKind.TraceState when isTraced:
                TraceState = TraceState is null ? Latin1Text.Value(value) : $"{TraceState},{Latin1Text.Value(value)}";
                return true;
            case EdgeFieldKind.UserAgent:
                Add(name, value);
                _userAgent = ValueOfLast(value);
                return true;
        }

        Add(name, value);
        return true;
    }

    // Where it is in what was written last.
    private Range ValueOfLast(ReadOnlySpan<byte> value) => (_written.WrittenCount - 2 - value.Length)..(_written.WrittenCount - 2);

    // A name or an IPv4 address with an optional port.
    private static bool IsHost(ReadOnlySpan<byte> value)
    {
        var colon = value.IndexOf((byte)':');
        var name = colon < 0 ? value : value[..colon];
        return !name.IsEmpty
            && !name.ContainsAnyExcept(HostBytes)
            && (colon < 0 || (value[(colon + 1)..] is { Length: > 0 and <= 5 } port && !port.ContainsAnyExceptInRange((byte)'0', (byte)'9')));
    }
}
