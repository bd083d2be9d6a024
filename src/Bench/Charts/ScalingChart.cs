using ClusterAspire.LoadBalancer.Live;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace ClusterAspire.Bench;

/// <summary>How much of each core reaches /slow.</summary>
internal static class ScalingChart
{
    /// <summary>Draws it when throughput was measured.</summary>
    public static void Draw(Results results, string path)
    {
        var figures = results.Figures.Where(figure => figure is { Scenario: "scaling", Name: ScalingScenario.Efficiency }).ToList();
        string[] cases = [.. figures.Select(figure => figure.Case).Distinct()];
        string[] systems = [.. figures.Select(figure => figure.System).Distinct()];
        if (cases.Length == 0)
        {
            return;
        }

        var plot = ChartStyle.Create("/slow throughput per core, one replica's = 100 %", "", "Efficiency per core");
        var room = systems.Length + 1.0;
        for (var system = 0; system < systems.Length; system++)
        {
            var bars = plot.Add.Bars(figures.Where(figure => figure.System == systems[system]).Select(figure => new Bar
            {
                Position = (Array.IndexOf(cases, figure.Case) * room) + system,
                Value = 100 * figure.Value,
                FillColor = ChartStyle.Of(figure.System),
                LineWidth = 0,
                Size = 0.85,
                Label = $"{100 * figure.Value:0} %",
            }).ToList());
            bars.LegendText = systems[system];
            bars.ValueLabelStyle.FontSize = 14;
        }

        var goal = plot.Add.HorizontalLine(95);
        goal.LinePattern = LinePattern.Dashed;
        goal.Color = ChartStyle.Failure;
        goal.LineWidth = 1.5f;
        goal.LegendText = "goal, 95 %";

        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. cases.Select((_, i) => (i * room) + ((systems.Length - 1) / 2.0))], cases);
        plot.Axes.Left.TickGenerator = new NumericAutomatic { LabelFormatter = value => $"{value:0} %" };
        plot.Grid.XAxisStyle.IsVisible = false;
        plot.Axes.SetLimitsX(-1, cases.Length * room - 1);
        plot.Axes.SetLimitsY(0, Math.Max(115, 110 * figures.Max(figure => figure.Value)));
        plot.ShowLegend(Edge.Right);
        plot.Sign(results);
        plot.SavePicture(path, 900, 480);
    }
}
