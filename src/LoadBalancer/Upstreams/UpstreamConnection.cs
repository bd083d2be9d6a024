using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>A connection to a replica, which is dropped when the replica is declared gone.</summary>
internal sealed class UpstreamConnection(Socket socket, Action<UpstreamConnection> closed) : NetworkStream(socket, ownsSocket: true)
{
    private volatile bool _dropped;

    /// <summary>Its socket.</summary>
    public new Socket Socket => base.Socket;

    /// <summary>Closes it: what waits for an answer fails with <see cref="ReplicaGoneException"/>.</summary>
    public void Drop()
    {
        _dropped = true;
        Socket.Dispose();
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (_dropped && e is IOException or ObjectDisposedException)
        {
            throw new ReplicaGoneException(e);
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await base.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (_dropped && e is IOException or ObjectDisposedException)
        {
            throw new ReplicaGoneException(e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        closed(this);
        base.Dispose(disposing);
    }
}
