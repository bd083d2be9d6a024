using System.IO.Pipelines;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>The output to a client. It measures how long the client has read nothing, so that a client that stalls can be disconnected.</summary>
/// <remarks>
/// Kestrel's own minimum rate is an average since the response's start, so data that the system's buffers took at once delays it for hours.
/// </remarks>
internal sealed class WatchedOutput(PipeWriter inner) : PipeWriter
{
    /// <summary>Why a connection is ended whose client reads nothing.</summary>
    public const string Stalled = "The client does not read what it is sent.";

    private long _waitsSince = long.MaxValue;

    /// <summary>Whether the output stays open when Kestrel's HTTP/1 ends, because the connection continues as HTTP/2.</summary>
    public Func<bool>? StaysOpen { get; set; }

    /// <summary>For how long the client has not read what it was sent; zero while it keeps up.</summary>
    public TimeSpan Waiting => TimeSpan.FromMilliseconds(Math.Max(0, Environment.TickCount64 - Volatile.Read(ref _waitsSince)));

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => inner.UnflushedBytes;

    /// <inheritdoc/>
    public override void Advance(int bytes) => inner.Advance(bytes);

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var flush = inner.FlushAsync(cancellationToken);
        return flush.IsCompleted ? flush : WatchAsync(flush);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (StaysOpen?.Invoke() is not true)
        {
            inner.Complete(exception);
        }
    }

    private async ValueTask<FlushResult> WatchAsync(ValueTask<FlushResult> flush)
    {
        Volatile.Write(ref _waitsSince, Environment.TickCount64);
        try
        {
            return await flush;
        }
        finally
        {
            Volatile.Write(ref _waitsSince, long.MaxValue);
        }
    }
}
