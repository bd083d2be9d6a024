using HdrHistogram;

namespace ClusterAspire.LoadBalancer;

/// <summary>Keeps the last five minutes of one replica.</summary>
internal sealed class ReplicaRecorder(Replica replica)
{
    private readonly Queue<ReplicaSecond> _seconds = new(LiveFeed.Kept);
    private double _load;
    private int _samples;

    /// <summary>Looks at how many slots are in use now.</summary>
    public void Sample()
    {
        _load += Math.Min(1.0, (double)replica.ComputeInFlight / replica.Slots);
        _samples++;
    }

    /// <summary>A second is over: keeps it.</summary>
    public void Close(long second)
    {
        if (_samples == 0)
        {
            // Nobody came to look in all that second, on a machine that has more to do than it can: what is now will do.
            Sample();
        }

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
            _load / _samples,
            light.TotalCount + compute.TotalCount,
            [.. heat.Select(row => (row.Key, row.Value))]));
        (_load, _samples) = (0, 0);
    }

    /// <summary>The replica as it is now, and its last five minutes.</summary>
    public LiveReplica Read() => new(ReplicaStatus.Of(replica), [.. _seconds]);
}
