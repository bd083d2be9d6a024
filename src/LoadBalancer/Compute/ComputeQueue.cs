using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Compute;

/// <summary>
/// Assigns compute slots: a compute request goes to a replica with a free slot, or waits here, first in, first out, until one is free.
/// </summary>
internal sealed class ComputeQueue(
    UpstreamCatalog replicas, CoreAwarePolicy policy, ReadyDestinationsPolicy rotation, IOptions<LoadBalancerOptions> options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ComputeWait> _waits = [];

    /// <summary>How many requests wait.</summary>
    public int Length
    {
        get
        {
            lock (_lock)
            {
                return _waits.Count;
            }
        }
    }

    /// <summary>Takes a slot, waiting for one if it must.</summary>
    /// <param name="wait">Where the request may go.</param>
    /// <param name="first">Whether it goes to the head of the queue, full or not: it had its turn already and the replica failed it.</param>
    /// <param name="cancellationToken">Gives the place in the queue up.</param>
    /// <returns>The slot, or null when the queue is full.</returns>
    /// <exception cref="TimeoutException">It waited longer than <see cref="LoadBalancerOptions.ComputeQueueTimeout"/>.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async ValueTask<ComputeLease?> AcquireAsync(ComputeWait wait, bool first, CancellationToken cancellationToken)
    {
        LinkedListNode<ComputeWait> place;
        lock (_lock)
        {
            if (policy.Pick(wait.Candidates(rotation), static replica => replica.HasFreeSlot) is { } free)
            {
                return Take(free);
            }

            if (!first && _waits.Count >= options.Value.ComputeQueueLimit)
            {
                return null;
            }

            place = first ? _waits.AddFirst(wait) : _waits.AddLast(wait);
        }

        try
        {
            var limit = TimeSpan.FromSeconds(options.Value.ComputeQueueTimeout);
            return await wait.Slot.Task.WaitAsync(limit, time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            lock (_lock)
            {
                if (place.List is not null)
                {
                    _waits.Remove(place);
                    throw;
                }
            }

            // A slot was granted at the same moment: use it if the client is still connected, else pass it to the next request.
            var lease = await wait.Slot.Task;
            if (cancellationToken.IsCancellationRequested)
            {
                lease.Dispose();
                throw;
            }

            return lease;
        }
    }

    /// <summary>Destinations may have come into rotation: gives their slots to those who wait.</summary>
    public void Offer(ClusterState cluster)
    {
        lock (_lock)
        {
            foreach (var destination in cluster.DestinationsState.AllDestinations)
            {
                Dispatch(destination);
            }
        }
    }

    /// <summary>Gives a slot back, to the next in the queue if anyone waits.</summary>
    public void Release(DestinationState destination)
    {
        lock (_lock)
        {
            replicas[destination].FreeSlot();
            Dispatch(destination);
        }
    }

    private void Dispatch(DestinationState destination)
    {
        var replica = replicas[destination];
        for (var place = _waits.First; place is not null && replica.HasFreeSlot;)
        {
            var next = place.Next;
            if (place.Value.Accepts(destination, rotation))
            {
                _waits.Remove(place);
                place.Value.Slot.SetResult(Take(destination));
            }

            place = next;
        }
    }

    private ComputeLease Take(DestinationState destination)
    {
        replicas[destination].TakeSlot();
        return new ComputeLease(this, destination);
    }
}
