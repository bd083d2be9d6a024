using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Compute;

/// <summary>A compute slot of one replica, held until disposed.</summary>
internal sealed class ComputeLease(ComputeQueue queue, DestinationState destination) : IDisposable
{
    private int _disposed;

    /// <summary>Whose slot it is.</summary>
    public DestinationState Destination => destination;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            queue.Release(destination);
        }
    }
}
