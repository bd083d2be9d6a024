using System.IO.Pipelines;

namespace ClusterAspire.Link;

/// <summary>A writer whose bytes wait for a flush in a <see cref="PooledBuffer"/>.</summary>
public abstract class PooledWriter : PipeWriter
{
    /// <inheritdoc/>
    public sealed override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public sealed override long UnflushedBytes => Unflushed.Length;

    /// <summary>What waits for a flush.</summary>
    protected PooledBuffer Unflushed { get; } = new();

    /// <inheritdoc/>
    public sealed override void Advance(int bytes) => Unflushed.Add(bytes);

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => Unflushed.Room(Math.Max(sizeHint, 1));

    /// <inheritdoc/>
    public sealed override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
