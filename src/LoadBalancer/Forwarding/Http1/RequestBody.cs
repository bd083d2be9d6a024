using System.Globalization;
using System.Text;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>Writes a request's body to its connection, as it comes or in chunks.</summary>
/// <param name="connection">Where to.</param>
/// <param name="length">Its <c>Content-Length</c>, in bytes; null sends chunks.</param>
internal sealed class RequestBody(Stream connection, long? length) : Stream
{
    private byte[] _chunk = [];
    private long _written;

    /// <summary>Whether the replica has all of it, or its last piece is on the way.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Why the replica did not take all of it, or null. It may have answered before it stopped reading.</summary>
    public Exception? Failure { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        _written += buffer.Length;
        IsComplete = _written == length;
        try
        {
            await connection.WriteAsync(length is null ? Chunk(buffer.Span) : buffer, CancellationToken.None);
        }
        catch (Exception exception)
        {
            Failure = exception;
            throw;
        }
    }

    /// <summary>The body is complete.</summary>
    public async ValueTask FinishAsync()
    {
        if (length is null && Failure is null)
        {
            IsComplete = true;
            try
            {
                await connection.WriteAsync("0\r\n\r\n"u8.ToArray());
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                Failure = exception;
            }
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // One buffer, so that it is one write.
    private ReadOnlyMemory<byte> Chunk(ReadOnlySpan<byte> data)
    {
        Span<char> size = stackalloc char[8];
        data.Length.TryFormat(size, out var digits, "X", CultureInfo.InvariantCulture);
        var length = digits + 2 + data.Length + 2;
        if (_chunk.Length < length)
        {
            _chunk = new byte[length];
        }

        Encoding.ASCII.GetBytes(size[..digits], _chunk);
        "\r\n"u8.CopyTo(_chunk.AsSpan(digits));
        data.CopyTo(_chunk.AsSpan(digits + 2));
        "\r\n"u8.CopyTo(_chunk.AsSpan(length - 2));
        return _chunk.AsMemory(0, length);
    }
}
