using System.Collections.Concurrent;

namespace ClusterAspire.LoadBalancer;

/// <summary>What happened lately, newest last.</summary>
internal sealed class BalancerEvents(TimeProvider time)
{
    private const int Kept = 200;

    private readonly ConcurrentQueue<BalancerEvent> _events = new();
    private long _queueFullAt = long.MinValue;

    /// <summary>The events kept, oldest first.</summary>
    public IReadOnlyList<BalancerEvent> Recent => [.. _events];

    /// <summary>A replica changed its state.</summary>
    public void Changed(Replica replica) => Add(replica.Name, replica.State switch
    {
        ReplicaState.Ready or ReplicaState.Busy => replica.Restarts > 0 ? $"back in rotation (pid {replica.Pid}, restart {replica.Restarts})" : $"in rotation (pid {replica.Pid})",
        ReplicaState.Draining => "draining: takes nothing new",
        ReplicaState.Restarting => $"out of rotation: pid {replica.Pid} does not answer",
        _ => "out of rotation",
    });

    /// <summary>A compute request was refused; said at most once a second.</summary>
    public void QueueFull(int length)
    {
        var second = time.GetTimestamp() / time.TimestampFrequency;
        if (Interlocked.Exchange(ref _queueFullAt, second) != second)
        {
            Add("load balancer", $"compute queue full ({length} waiting)");
        }
    }

    private void Add(string subject, string text)
    {
        _events.Enqueue(new BalancerEvent(time.GetUtcNow(), subject, text));
        while (_events.Count > Kept && _events.TryDequeue(out _))
        {
        }
    }
}
