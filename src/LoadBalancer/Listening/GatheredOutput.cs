using System.IO.Pipelines;
using ClusterAspire.LoadBalancer.Transport;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>The output of a TLS connection. The records that a flush makes are sent by one system call, not each by its own.</summary>
/// <param name="encrypted">Encrypts, and writes to the socket's output.</param>
/// <param name="socket">The socket's output.</param>
internal sealed class GatheredOutput(PipeWriter encrypted, SocketOutput socket) : PipeWriter
{
    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => encrypted.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => encrypted.UnflushedBytes;

    /// <inheritdoc/>
    public override void Advance(int bytes) => encrypted.Advance(bytes);

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => encrypted.GetMemory(sizeHint);

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => encrypted.GetSpan(sizeHint);

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        socket.Gathers = true;
        var encrypting = encrypted.FlushAsync(cancellationToken);
        return encrypting.IsCompletedSuccessfully ? SendAsync(encrypting.Result, cancellationToken) : WaitAsync(encrypting, cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => encrypted.CancelPendingFlush();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => encrypted.Complete(exception);

    private ValueTask<FlushResult> SendAsync(FlushResult encrypted, CancellationToken cancellationToken)
    {
        socket.Gathers = false;
        return encrypted.IsCanceled || encrypted.IsCompleted ? new(encrypted) : socket.FlushAsync(cancellationToken);
    }

    private async ValueTask<FlushResult> WaitAsync(ValueTask<FlushResult> encrypting, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(await encrypting, cancellationToken);
        }
        finally
        {
            socket.Gathers = false;
        }
    }
}
