using ClusterAspire.LoadBalancer.Live;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace ClusterAspire.Bench;

/// <summary>How many light requests pass each balancer.</summary>
internal static class ForwardingChart
{
    /// <summary>Draws it when forwarding was measured.</summary>
    public static void Draw(Results results, string path)
    {
        var figures = results.Figures
            .Where(figure => figure is { Scenario: "forwarding", Case: ForwardingScenario.Saturated, Name: "throughput" })
            .OrderBy(figure => figure.Value)
            .ToList();
        if (figures.Count == 0)
        {
            return;
        }

        var plot = ChartStyle.Create("/fast through each balancer, before the same replicas", "Thousand requests per second, from 32 connections", "");
        var bars = plot.Add.Bars(figures.Select((figure, i) => new Bar
        {
            Position = i,
            Value = figure.Value / 1000,
            FillColor = ChartStyle.Of(figure.System),
            LineWidth = 0,
            Size = 0.75,
            Label = results.Find("forwarding", figure.System, figure.Case, "p99") is { } p99
                ? $"{figure.Value / 1000:0.0} · p99 {ChartStyle.Duration(p99)}"
                : $"{figure.Value / 1000:0.0}",
        }).ToList());
        bars.Horizontal = true;
        bars.ValueLabelStyle.FontSize = 13;

        plot.Axes.Left.TickGenerator = new NumericManual([.. figures.Select((_, i) => (double)i)], [.. figures.Select(figure => figure.System)]);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Grid.YAxisStyle.IsVisible = false;
        plot.Axes.SetLimitsX(0, 1.3 * figures.Max(figure => figure.Value) / 1000);
        plot.Axes.SetLimitsY(-0.7, figures.Count - 0.3);
        plot.Sign(results);
        plot.SavePicture(path, 1000, 120 + (42 * figures.Count));
    }
}
