using System.Globalization;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>A response's body. Its connection is free again once it has been read to its end.</summary>
/// <param name="connection">Its connection.</param>
/// <param name="control">What the head of the response says.</param>
/// <param name="response">What gets the trailers; null leaves them out.</param>
internal sealed class ResponseBody(Http1Connection connection, ResponseControl control, HttpResponseMessage? response) : ReadStream
{
    // A chunk's size and its extensions.
    private const int LongestChunkLine = 4096;

    // The rest of the body, or of the current chunk.
    private long _left = control.Framing is ResponseFraming.Length ? control.Length!.Value : 0;
    private bool _inChunks;
    private bool _ended;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended)
        {
            return 0;
        }

        try
        {
            if (control.Framing is ResponseFraming.Chunked && _left == 0 && !await NextChunkAsync())
            {
                return 0;
            }

            var until = control.Framing is ResponseFraming.UntilClose ? buffer.Length : (int)Math.Min(buffer.Length, _left);
            var read = await connection.ReadAsync(buffer[..until]);
            if (buffer.IsEmpty)
            {
                return 0;
            }

            if (read == 0)
            {
                if (control.Framing is ResponseFraming.UntilClose)
                {
                    End();
                    return 0;
                }

                throw new HttpIOException(HttpRequestError.ResponseEnded, "The replica closed the connection before the end of its response.");
            }

            _left -= read;
            if (_left == 0 && control.Framing is ResponseFraming.Length)
            {
                End();
            }

            return read;
        }
        catch (Exception exception)
        {
            connection.Dispose();
            throw connection.Explain(exception);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            // The unread rest would be read as the next response.
            _ended = true;
            connection.Dispose();
        }

        base.Dispose(disposing);
    }

    private void End()
    {
        _ended = true;
        connection.End(control);
    }

    private async ValueTask<bool> NextChunkAsync()
    {
        if (_inChunks && !(await connection.ReadLineAsync(LongestChunkLine)).IsEmpty)
        {
            throw new InvalidResponseException("a chunk is longer than it says");
        }

        _inChunks = true;
        _left = Size((await connection.ReadLineAsync(LongestChunkLine)).Span);
        if (_left > 0)
        {
            return true;
        }

        for (var total = 0; ;)
        {
            var line = await connection.ReadLineAsync(LongestChunkLine);
            if (line.IsEmpty)
            {
                break;
            }

            if ((total += line.Length) > Http1Connection.LongestHead)
            {
                throw new InvalidResponseException("its trailers are too long");
            }

            ResponseHead.ReadField(line.Span, out var name, out var value);
            response?.TrailingHeaders.TryAddWithoutValidation(Latin1Text.Name(name), Latin1Text.Value(value));
        }

        End();
        return false;
    }

    private static long Size(ReadOnlySpan<byte> line)
    {
        // Chunk extensions are not passed on.
        var extensions = line.IndexOf((byte)';');
        var digits = extensions < 0 ? line : line[..extensions].TrimEnd(" \t"u8);
        return digits.Length is > 0 and <= 15 && Latin1Text.IsValue(line) && long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size)
            ? size
            : throw new InvalidResponseException("a chunk's size is not a number");
    }
}
