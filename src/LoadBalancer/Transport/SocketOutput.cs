using System.IO.Pipelines;
using ClusterAspire.Link;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>What a client is sent: by whoever flushes, at once. A flush waits while the system has no room for it.</summary>
internal sealed class SocketOutput(EventLoopSocket connection) : PooledWriter
{
    // More is sent, and waited for.
    private const int MostGathered = 128 * 1024;

    private bool _isCancelled;

    /// <summary>The flush that waits.</summary>
    public Wait<FlushResult> Wait { get; } = new(connection.Lock);

    /// <summary>Whether more follows at once: a flush then sends little by itself.</summary>
    public bool Gathers { get; set; }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<FlushResult> begun;
        lock (connection.Lock)
        {
            if (_isCancelled || (Gathers && Unflushed.Length < MostGathered) || Send())
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
        if (Unflushed.Length > 0)
        {
            await FlushAsync(CancellationToken.None);
        }

        lock (connection.Lock)
        {
            Unflushed.Clear();
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
        while (Unflushed.Length > 0 && !connection.IsClosed)
        {
            var sent = NonBlocking.Send(connection.Descriptor, Unflushed.Bytes.Span, out var error);
            if (error is NonBlocking.WouldBlock)
            {
                return false;
            }

            if (sent < 0)
            {
                connection.OutputFailed();
                break;
            }

            Unflushed.Take(sent);
        }

        Unflushed.Clear();
        return true;
    }
}
