namespace ClusterAspire.LoadBalancer;

/// <summary>A line of a chart.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Color">A CSS colour.</param>
/// <param name="Points">Its points, oldest first.</param>
public sealed record ChartLine(string Name, string Color, IReadOnlyList<ChartPoint> Points);
