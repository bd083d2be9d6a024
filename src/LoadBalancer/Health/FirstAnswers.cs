using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>Whether it is known which replicas serve: each has been probed, or has had its time to answer.</summary>
internal sealed class FirstAnswers
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    private readonly Lazy<Task> _heard;

    public FirstAnswers(UpstreamCatalog replicas, TimeProvider time) => _heard = new(() => WaitAsync(replicas, time));

    /// <summary>Completes once it is.</summary>
    public Task Heard => _heard.Value;

    private static async Task WaitAsync(UpstreamCatalog replicas, TimeProvider time)
    {
        var started = time.GetTimestamp();
        while ((!replicas.All.Any() || replicas.All.Any(replica => replica.IsUnknown)) && time.GetElapsedTime(started) < Limit)
        {
            await Task.Delay(Interval, time);
        }
    }
}
