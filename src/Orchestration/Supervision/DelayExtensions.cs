namespace ClusterAspire.Orchestration.Supervision;

/// <summary>A delay in words.</summary>
public static class DelayExtensions
{
    /// <summary><c>100 ms</c>, <c>1.6 s</c>.</summary>
    public static string Describe(this TimeSpan delay) =>
        delay < TimeSpan.FromSeconds(1) ? $"{delay.TotalMilliseconds} ms" : $"{delay.TotalSeconds} s";
}
