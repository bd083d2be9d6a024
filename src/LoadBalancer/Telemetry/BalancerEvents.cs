using System.Collections.Concurrent;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>What happened lately, newest last.</summary>
internal sealed class BalancerEvents(TimeProvider time)
{
    private const int Kept = 200;

    private readonly ConcurrentQueue<BalancerEvent> _events = new();
    private long _queueFullAt = long.MinValue;

    /// <summary>The events kept, oldest first.</summary>
    public IReadOnlyList<BalancerEvent> Recent => [.. _events];

    /// <summary>A replica changed its state.</summary>
    public void Changed(Upstream replica)
    {
        var run = replica.Container is { } container ? $"container {container}" : $"pid {replica.Pid}";
        var (text, kind) = replica.State switch
        {
            ReplicaState.Ready or ReplicaState.Busy when replica.IsStuck => ("compute lane stuck: no compute requests until it goes on", BalancerEventKind.Bad),
            ReplicaState.Ready or ReplicaState.Busy when replica.Restarts > 0 =>
                ($"back in rotation ({run}, restart {replica.Restarts})", BalancerEventKind.Good),
            ReplicaState.Ready or ReplicaState.Busy => ($"started, in rotation ({run})", BalancerEventKind.Good),
            ReplicaState.Draining => ("out of rotation: draining", BalancerEventKind.Warning),
            ReplicaState.Restarting => ($"out of rotation: {run} does not answer", BalancerEventKind.Bad),
            ReplicaState.Starting => ("starting", BalancerEventKind.Warning),
            _ => ("out of rotation", BalancerEventKind.Bad),
        };
        Add(replica.Name, text, kind);
    }

    /// <summary>The supervisor of the replicas reports something that the balancer cannot see, such as an exit code.</summary>
    public void Reported(string subject, string text) => Add(subject, text, BalancerEventKind.Bad);

    /// <summary>A request that ended two replicas is refused from now on.</summary>
    public void Poison(string request, TimeSpan time) =>
        Add("load balancer", $"{(request.Length > 100 ? request[..100] + "…" : request)} ended two replicas: refused for {time.TotalSeconds:0} s", BalancerEventKind.Bad);

    /// <summary>A compute request was refused; said at most once a second.</summary>
    public void QueueFull(int length)
    {
        var second = time.GetTimestamp() / time.TimestampFrequency;
        if (Interlocked.Exchange(ref _queueFullAt, second) != second)
        {
            Add("load balancer", $"compute queue full ({length} waiting)", BalancerEventKind.Warning);
        }
    }

    /// <summary>Replicas keep something of clients who may reach any of them.</summary>
    public void KeptOfClients(string kept) => Add("load balancer", $"each replica has {kept} of its own: choose affinity, or a store that all share", BalancerEventKind.Warning);

    /// <summary>Few file descriptors are left, and new clients wait.</summary>
    public void DescriptorsShort(int limit) =>
        Add("load balancer", $"few file descriptors are left of {limit}: new clients wait", BalancerEventKind.Bad);

    /// <summary>There are file descriptors again.</summary>
    public void DescriptorsBack() => Add("load balancer", "there are file descriptors again: clients are accepted", BalancerEventKind.Good);

    private void Add(string subject, string text, BalancerEventKind kind)
    {
        _events.Enqueue(new BalancerEvent(time.GetUtcNow(), subject, text, kind));
        while (_events.Count > Kept && _events.TryDequeue(out _))
        {
        }
    }
}
