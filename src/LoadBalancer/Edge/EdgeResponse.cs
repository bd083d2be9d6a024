using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using Microsoft.AspNetCore.WebUtilities;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>A replica's response, and how the client gets it. Used again and again.</summary>
internal sealed class EdgeResponse
{
    private const int MostUnflushed = 64 * 1024;

    private const int SmallestStart = 512;

    // Larger buffers are not kept.
    private const int LargestStart = 4096;

    private const int LongestCopy = 16 * 1024;

    // What TLS encrypts at once, in bytes (RFC 8446, 5.1). The writers' own buffers have 4 KiB.
    private const int LongestWrite = 16 * 1024;

    // A stream may stay open for long with little data.
    private const int LongestChunk = 4096;

    private readonly ResponseControl _control = new();

    // The fields of the head that are passed on.
    private readonly List<Range> _fields = [];
    private ArrayBufferWriter<byte> _start = new(SmallestStart);
    private ReadOnlyMemory<byte> _head;
    private int _reason;
    private int _reasonLength;
    private bool _isToHead;
    private bool _hasDate;
    private bool _hasRetryAfter;

    /// <summary>The status code.</summary>
    public int Status => _control.Status;

    /// <inheritdoc cref="ResponseControl.IsInterim"/>
    public bool IsInterim => _control.IsInterim;

    /// <summary>Whether it declares the length of its body.</summary>
    public bool HasLength => _control.PassesLength;

    /// <summary>Whether the replica says that another may take the request: 503 with <c>Retry-After</c>.</summary>
    public bool IsRefusal => Status is StatusCodes.Status503ServiceUnavailable && _hasRetryAfter;

    /// <summary>The timestamp at which the replica began to answer; 0 before.</summary>
    public long RespondedAt { get; set; }

    /// <summary>Whether the client has been sent something of it.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Whether it is the last on its connection.</summary>
    public bool Closes { get; private set; }

    /// <summary>Begins another one.</summary>
    /// <param name="isToHead">Whether it answers HEAD.</param>
    public void Reset(bool isToHead)
    {
        _control.Reset(isToHead);
        (RespondedAt, HasStarted, Closes, _isToHead) = (0, false, false, isToHead);
    }

    /// <summary>Reads a head.</summary>
    /// <param name="head">Its lines with their ends.</param>
    /// <exception cref="InvalidResponseException">It is none that can be passed on.</exception>
    public void ReadHead(ReadOnlyMemory<byte> head)
    {
        _control.Reset(_isToHead);
        _fields.Clear();
        (_head, _hasDate, _hasRetryAfter) = (head, false, false);
        var bytes = head.Span;
        var end = bytes.IndexOf("\r\n"u8);
        _reasonLength = _control.Start(Sound(bytes[..end])).Length;
        _reason = end - _reasonLength;
        for (var start = end + 2; ; start = end + 2)
        {
            end = start + bytes[start..].IndexOf("\r\n"u8);
            if (end == start)
            {
                break;
            }

            ResponseHead.ReadField(Sound(bytes[start..end]), out var name, out var value);
            if (_control.Add(name, value) && !EdgeField.EndsHere(name))
            {
                _hasDate |= Latin1Text.Is(name, "Date"u8);
                _hasRetryAfter |= Latin1Text.Is(name, "Retry-After"u8);
                _fields.Add(start..end);
            }
        }

        _control.End();
        if (Status is StatusCodes.Status101SwitchingProtocols)
        {
            throw new InvalidResponseException("it switches protocols, and nobody asked it to");
        }
    }

    /// <summary>Writes the head for the client, who gets it with the beginning of the body: what is not sound there becomes a 502.</summary>
    /// <param name="replica">What <c>X-Replica</c> says; null for none.</param>
    /// <param name="closes">Whether the connection is closed after it.</param>
    public void WriteHead(string? replica, bool closes)
    {
        Closes = closes;
        if (_start.Capacity > LargestStart)
        {
            _start = new(SmallestStart);
        }

        var output = _start;
        output.ResetWrittenCount();
        var head = _head.Span;
        output.Write("HTTP/1.1 "u8);
        WriteNumber(output, Status);
        output.Write(" "u8);
        if (_reasonLength > 0)
        {
            output.Write(head.Slice(_reason, _reasonLength));
        }
        else
        {
            WriteText(output, ReasonPhrases.GetReasonPhrase(Status));
        }

        output.Write("\r\n"u8);
        var ends = _control.Connection is null ? [] : _control.ConnectionOptions();
        foreach (var field in _fields)
        {
            var line = head[field];
            ResponseHead.ReadField(line, out var name, out var value);
            if ((replica is not null && Latin1Text.Is(name, "X-Replica"u8)) || (ends.Length > 0 && ends.Contains(Latin1Text.Name(name), StringComparer.OrdinalIgnoreCase)))
            {
                continue;
            }

            WriteField(output, name, value);
        }

        if (_control.PassesLength)
        {
            output.Write("Content-Length: "u8);
            WriteNumber(output, _control.Length!.Value);
            output.Write("\r\n"u8);
        }
        else if (_control.Framing is ResponseFraming.Chunked or ResponseFraming.UntilClose)
        {
            output.Write("Transfer-Encoding: chunked\r\n"u8);
        }
        else if (Status is StatusCodes.Status205ResetContent)
        {
            output.Write("Content-Length: 0\r\n"u8);
        }

        if (!_hasDate)
        {
            output.Write("Date: "u8);
            WriteText(output, DateTimeOffset.UtcNow.ToString("R", CultureInfo.InvariantCulture));
            output.Write("\r\n"u8);
        }

        if (replica is not null)
        {
            output.Write("X-Replica: "u8);
            WriteText(output, replica);
            output.Write("\r\n"u8);
        }

        output.Write(closes ? "Connection: close\r\n\r\n"u8 : "\r\n"u8);
    }

    /// <summary>Sends the client the body, as it comes and as fast as it reads. Then the replica's connection is free.</summary>
    /// <param name="upstream">The replica's connection.</param>
    /// <param name="output">The client's.</param>
    /// <param name="progress">Is told of what has come.</param>
    /// <exception cref="IOException">Either side has gone.</exception>
    public async ValueTask CopyBodyAsync(Http1Connection upstream, PipeWriter output, EdgeConnection progress)
    {
        switch (_control.Framing)
        {
            case ResponseFraming.None:
                Start(output);
                upstream.End(_control);
                break;
            case ResponseFraming.Length:
                await CopyLengthAsync(upstream, output, progress);
                break;
            default:
                await CopyChunksAsync(upstream, output, progress);
                break;
        }

        await FlushAsync(output);
    }

    // After a failure a read may still use the buffer, so it is not returned to the pool.
    private async ValueTask CopyLengthAsync(Http1Connection upstream, PipeWriter output, EdgeConnection progress)
    {
        Start(output);
        var left = _control.Length!.Value;
        byte[]? buffer = null;
        for (var unflushed = 0; left > 0;)
        {
            var read = CopyAvailable(upstream, output, Math.Min(left, MostUnflushed));
            if (read == 0)
            {
                buffer ??= ArrayPool<byte>.Shared.Rent((int)Math.Min(LongestCopy, left));
                var reading = upstream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)));
                if (!reading.IsCompleted)
                {
                    await FlushAsync(output);
                    unflushed = 0;
                }

                read = await reading;
                if (read == 0)
                {
                    throw new HttpIOException(HttpRequestError.ResponseEnded, "The replica closed the connection before the end of its response.");
                }

                WriteData(output, buffer.AsSpan(0, read));
            }

            progress.Progressed();
            left -= read;
            unflushed += read;
            if (unflushed >= MostUnflushed && left > 0)
            {
                await FlushAsync(output);
                unflushed = 0;
            }
        }

        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        upstream.End(_control);
    }

    private static int CopyAvailable(Http1Connection upstream, PipeWriter output, long most)
    {
        var room = output.GetSpan((int)Math.Min(most, LongestWrite));
        var read = upstream.ReadAvailable(room[..(int)Math.Min(most, room.Length)]);
        output.Advance(read);
        return read;
    }

    private async ValueTask CopyChunksAsync(Http1Connection upstream, PipeWriter output, EdgeConnection progress)
    {
        // Which ends the exchange itself.
        await using var body = new ResponseBody(upstream, _control, null);
        var buffer = ArrayPool<byte>.Shared.Rent(LongestChunk);
        for (var unflushed = 0; ;)
        {
            var reading = body.ReadAsync(buffer);
            if (!reading.IsCompleted || unflushed >= MostUnflushed)
            {
                Start(output);
                await FlushAsync(output);
                unflushed = 0;
            }

            var read = await reading;
            Start(output);
            if (read == 0)
            {
                break;
            }

            WriteChunk(output, buffer.AsSpan(0, read));
            progress.Progressed();
            unflushed += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        output.Write("0\r\n\r\n"u8);
    }

    private void Start(PipeWriter output)
    {
        if (!HasStarted)
        {
            output.Write(_start.WrittenSpan);
            HasStarted = true;
        }
    }

    private static void WriteData(PipeWriter output, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var room = output.GetSpan(Math.Min(data.Length, LongestWrite));
            var length = Math.Min(data.Length, room.Length);
            data[..length].CopyTo(room);
            output.Advance(length);
            data = data[length..];
        }
    }

    private static void WriteChunk(PipeWriter output, ReadOnlySpan<byte> data)
    {
        Utf8Formatter.TryFormat(data.Length, output.GetSpan(16), out var written, new StandardFormat('X'));
        output.Advance(written);
        output.Write("\r\n"u8);
        output.Write(data);
        output.Write("\r\n"u8);
    }

    private static async ValueTask FlushAsync(PipeWriter output)
    {
        var flushed = await output.FlushAsync();
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            throw new ClientGoneException();
        }
    }

    // A CR within a line is no end of it.
    private static ReadOnlySpan<byte> Sound(ReadOnlySpan<byte> line) =>
        line.IndexOf((byte)'\r') < 0 ? line : throw new InvalidResponseException("a line does not end with CR and LF");

    private static void WriteField(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var field = output.GetSpan(name.Length + value.Length + 4);
        name.CopyTo(field);
        ": "u8.CopyTo(field[name.Length..]);
        value.CopyTo(field[(name.Length + 2)..]);
        "\r\n"u8.CopyTo(field[(name.Length + 2 + value.Length)..]);
        output.Advance(name.Length + value.Length + 4);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> output, long number)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var written);
        output.Advance(written);
    }

    private static void WriteText(ArrayBufferWriter<byte> output, string text) => output.Advance(Encoding.Latin1.GetBytes(text, output.GetSpan(text.Length)));
}

/// <summary>The client has gone, or reads no more.</summary>
internal sealed class ClientGoneException() : IOException("The client has gone.");
