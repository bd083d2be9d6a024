using System.IO.Pipelines;
using System.Net.Sockets;
using ClusterAspire.Link;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What a client is sent: by whoever flushes, at once. A flush waits while the system has no room for it.</summary>
internal sealed class SocketOutput(EventLoopConnection connection) : PipeWriter
{
    private readonly PooledBuffer _unflushed = new();
    private bool _isCancelled;

    /// <summary>The flush that waits.</summary>
    public Wait<FlushResult> Wait { get; } = new(connection.Lock);

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _unflushed.Length;

    /// <inheritdoc/>
    public override void Advance(int bytes) => _unflushed.Add(bytes);

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => _unflushed.Room(Math.Max(sizeHint, 1));

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<FlushResult> begun;
        lock (connection.Lock)
        {
            if (_isCancelled || Send())
            {
                var result = new FlushResult(_isCancelled, connection.IsClosed);
                _isCancelled = false;
                return new(result);
            }

            begun = Wait.Begin();
        }

        return Wait.OrCancelled(begun, cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush()
    {
        lock (connection.Lock)
        {
            if (!Wait.TryEnd())
            {
                _isCancelled = true;
                return;
            }
        }

        Wait.Complete(new(isCanceled: true, isCompleted: false));
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
        {
            connection.Abort(new ConnectionAbortedException(exception.Message, exception));
        }
    }

    /// <summary>Sends what is left. Nobody writes any more.</summary>
    public async ValueTask CompleteAsync()
    {
        if (UnflushedBytes > 0)
        {
            await FlushAsync(CancellationToken.None);
        }

        lock (connection.Lock)
        {
            _unflushed.Clear();
        }
    }

    /// <summary>There may be room, or the connection is over.</summary>
    public void Ready()
    {
        lock (connection.Lock)
        {
            if (!Wait.IsPending || !Send() || !Wait.TryEnd())
            {
                return;
            }
        }

        Wait.Complete(new(isCanceled: false, connection.IsClosed));
    }

    /// <summary>Sends.</summary>
    /// <returns>Whether that was all, or nothing more can be sent.</returns>
    private bool Send()
    {
        while (_unflushed.Length > 0 && !connection.IsClosed)
        {
            var sent = connection.Socket.Send(_unflushed.Bytes.Span, SocketFlags.None, out var error);
            if (error is SocketError.WouldBlock)
            {
                return false;
            }

            if (error is not SocketError.Success)
            {
                connection.OutputFailed();
                break;
            }

            _unflushed.Take(sent);
        }

        _unflushed.Clear();
        return true;
    }
}
