namespace ClusterAspire.LoadBalancer.Live;

/// <summary>Some seconds of a drawing.</summary>
/// <typeparam name="T">What is drawn.</typeparam>
/// <param name="number">Which.</param>
public sealed class Slice<T>(long number)
    where T : class
{
    /// <summary>Which: how many are before it on the balancer's monotonic clock.</summary>
    public long Number => number;

    /// <summary>What is drawn.</summary>
    public T? Drawing { get; set; }
}
