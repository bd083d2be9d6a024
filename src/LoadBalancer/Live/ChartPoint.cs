namespace ClusterAspire.LoadBalancer.Live;

/// <summary>A point of a chart.</summary>
/// <param name="X">When, in seconds; the past is negative.</param>
/// <param name="Y">The value.</param>
public sealed record ChartPoint(double X, double Y);
