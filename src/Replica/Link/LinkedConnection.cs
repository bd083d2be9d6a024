using System.Net;
using ClusterAspire.Link;
using Microsoft.AspNetCore.Connections;

namespace ClusterAspire.Replica.Link;

/// <summary>A virtual connection, as Kestrel has connections.</summary>
internal sealed class LinkedConnection : DefaultConnectionContext
{
    private readonly VirtualConnection _connection;
    private readonly CancellationTokenSource _closed = new();

    public LinkedConnection(VirtualConnection connection, EndPoint local, EndPoint remote)
    {
        _connection = connection;
        ConnectionId = CorrelationId();
        Transport = connection;
        (LocalEndPoint, RemoteEndPoint) = (local, remote);
        ConnectionClosed = _closed.Token;
        connection.Ended = () => ThreadPool.UnsafeQueueUserWorkItem(static linked => linked.Cancel(), this, preferLocal: false);
    }

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _connection.Close(CloseReason.Aborted);
        Cancel();
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        _connection.Close(CloseReason.Done);
        Cancel();
        await base.DisposeAsync();
    }

    private static string CorrelationId() => Guid.NewGuid().ToString("N");

    private void Cancel()
    {
        try
        {
            _closed.Cancel();
        }
        catch (AggregateException)
        {
            // Of those who were told.
        }
    }
}
