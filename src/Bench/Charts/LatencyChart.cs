using ClusterAspire.Contract;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace ClusterAspire.Bench;

/// <summary>How /fast's latency is distributed while every core runs /slow: the hero.</summary>
internal static class LatencyChart
{
    private static readonly double[] Shown = [10, 50, 75, 90, 95, 99, 99.9];

    /// <summary>Draws it when the article's experiment was run.</summary>
    public static void Draw(Results results, string path)
    {
        var slow = 4 * results.Machine.Cores;
        var lines = results.Distributions
            .Where(line => line.Scenario is "article" && line.Case == ArticleScenario.Case(slow))
            .OrderByDescending(line => line.Percentiles[^1][1])
            .ToList();
        if (lines.Count == 0)
        {
            return;
        }

        var plot = ChartStyle.Create($"/fast while {slow} × /slow keep {results.Machine.Cores} cores busy", "Percentile of requests", "Latency, from the moment a request was due");
        foreach (var line in lines)
        {
            Add(plot, line, line.System, line.System == Systems.Cluster ? 4 : 2, LinePattern.Solid);
        }

        if (results.Distributions.FirstOrDefault(line => (line.Scenario, line.System, line.Case) == ("article", Systems.Cluster, ArticleScenario.Case(0))) is { } idle)
        {
            Add(plot, idle, $"{Systems.Cluster}, idle", 2, LinePattern.Dashed);
            lines.Add(idle);
        }

        plot.Axes.Bottom.TickGenerator = new NumericManual([.. Shown.Select(Place)], [.. Shown.Select(percentile => $"p{percentile}")]);
        plot.LogarithmicMilliseconds(lines.Min(line => line.Percentiles[0][1]), lines.Max(line => line.Percentiles[^1][1]));
        plot.Axes.SetLimitsX(0, Place(99.9) + 0.02);
        plot.ShowLegend(Edge.Right);
        plot.Sign(results);
        plot.SavePicture(path, 1000, 560);
    }

    // As HdrHistogram plots it: 90, 99, 99.9 % are at equal distances.
    private static double Place(double percentile) => -Math.Log10(1 - (percentile / 100));

    private static void Add(Plot plot, Distribution line, string name, float width, LinePattern pattern)
    {
        var scatter = plot.Add.ScatterLine(
            line.Percentiles.Select(point => Place(point[0])).ToArray(),
            line.Percentiles.Select(point => Math.Log10(point[1])).ToArray(),
            ChartStyle.Of(line.System));
        scatter.LineWidth = width;
        scatter.LinePattern = pattern;
        scatter.LegendText = name;
    }
}
