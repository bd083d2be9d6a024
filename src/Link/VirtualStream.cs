using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Link;

/// <summary>A virtual connection as a stream.</summary>
public sealed class VirtualStream(VirtualConnection connection) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads; with an empty buffer, waits for something to read.</summary>
    /// <exception cref="LinkBrokenException">The connection was broken off.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        return Take(await connection.Input.ReadAsync(cancellationToken), buffer.Span);
    }

    /// <summary>Reads what has come.</summary>
    /// <returns>How many bytes; 0 if there is nothing, now or ever.</returns>
    /// <exception cref="LinkBrokenException">The connection was broken off.</exception>
    public int ReadAvailable(Span<byte> buffer) => connection.Input.TryRead(out var result) ? Take(result, buffer) : 0;

    /// <inheritdoc/>
    /// <exception cref="LinkBrokenException">The connection is over.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        connection.SendAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override void Flush()
    {
    }

#pragma warning disable VSTHRD002 // Stream requires the synchronous methods; nothing here calls them.
    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();
#pragma warning restore VSTHRD002

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Close(CloseReason.Done);
        }

        base.Dispose(disposing);
    }

    private int Take(ReadResult result, Span<byte> buffer)
    {
        var length = (int)Math.Min(result.Buffer.Length, buffer.Length);
        var read = result.Buffer.Slice(0, length);
        read.CopyTo(buffer);
        connection.Input.AdvanceTo(read.End);
        return length;
    }
}
