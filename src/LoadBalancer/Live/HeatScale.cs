namespace ClusterAspire.LoadBalancer;

/// <summary>The heatmap's vertical axis: logarithmic, six rows a decade, from 0.1 ms to 100 s.</summary>
public static class HeatScale
{
    private const int RowsPerDecade = 6;
    private const double Lowest = 100; // µs

    /// <summary>How many rows there are.</summary>
    public const int Rows = 6 * RowsPerDecade;

    /// <summary>The decades' lower ends, lowest first, and the row each begins at.</summary>
    public static IReadOnlyList<(string Label, int Row)> Decades { get; } =
        [.. new[] { "0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s" }.Select((label, decade) => (label, decade * RowsPerDecade))];

    /// <summary>The row of a latency; what is off the scale goes to its end.</summary>
    /// <param name="microseconds">The latency in µs.</param>
    public static int RowOf(double microseconds) =>
        microseconds <= Lowest ? 0 : Math.Min((int)(Math.Log10(microseconds / Lowest) * RowsPerDecade), Rows - 1);
}
