using System.Numerics;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>The heatmap's vertical axis, logarithmic, six rows a decade, from 0.1 ms to 100 s; and how dark its cells are.</summary>
public static class HeatScale
{
    private const int RowsPerDecade = 6;
    private const double Lowest = 100; // µs

    /// <summary>How many rows there are.</summary>
    public const int Rows = 6 * RowsPerDecade;

    /// <summary>The decades' lower ends, lowest first, and the row each begins at.</summary>
    public static IReadOnlyList<(string Label, int Row)> Decades { get; } =
        [.. new[] { "0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s" }.Select((label, decade) => (label, decade * RowsPerDecade))];

    /// <summary>How dark a cell is: the fewest requests at each level, and its class in the style sheet.</summary>
    /// <remarks>Fourfold at each level: one slow request must show beside thousands of fast ones.</remarks>
    public static IReadOnlyList<(long Fewest, string Class)> Levels { get; } =
        [.. Enumerable.Range(0, 6).Select(level => (1L << (2 * level), $"heat-{level}"))];

    /// <summary>The level of a cell with some requests.</summary>
    /// <param name="count">How many.</param>
    public static int LevelOf(long count) => Math.Min(BitOperations.Log2((ulong)count) / 2, Levels.Count - 1);

    /// <summary>The row of a latency; what is off the scale goes to its end.</summary>
    /// <param name="microseconds">The latency in µs.</param>
    public static int RowOf(double microseconds) =>
        microseconds <= Lowest ? 0 : Math.Min((int)(Math.Log10(microseconds / Lowest) * RowsPerDecade), Rows - 1);
}
