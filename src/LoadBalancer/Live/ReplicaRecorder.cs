using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using HdrHistogram;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>Keeps the last five minutes of one replica.</summary>
internal sealed class ReplicaRecorder(Upstream replica)
{
    private readonly Queue<ReplicaSecond> _seconds = new(LiveFeed.Kept);

    /// <summary>A second is over: keeps it.</summary>
    public void Close(long second)
    {
        var light = replica.Light.Second(second);
        var compute = replica.Compute.Second(second);
        var heat = new SortedDictionary<int, long>();
        foreach (var value in light.RecordedValues().Concat(compute.RecordedValues()))
        {
            var row = HeatScale.RowOf(value.ValueIteratedTo);
            heat[row] = heat.GetValueOrDefault(row) + value.CountAtValueIteratedTo;
        }

        if (_seconds.Count == LiveFeed.Kept)
        {
            _seconds.Dequeue();
        }

        _seconds.Enqueue(new(
            second,
            LatencyHistory.Read(light).P99,
            replica.Load(second),
            light.TotalCount + compute.TotalCount,
            [.. heat.Select(row => (row.Key, row.Value))]));
    }

    /// <summary>The replica as it is now, and its last five minutes.</summary>
    public LiveReplica Read() => new(replica.Status, [.. _seconds]);
}
