using ClusterAspire.LoadBalancer.Live;
using ScottPlot;

namespace ClusterAspire.Bench;

/// <summary>How requests fare while replicas are killed, a panel for each system.</summary>
internal static class KillChart
{
    private const double Shown = 20;

    /// <summary>Draws it when replicas were killed.</summary>
    public static void Draw(Results results, string path)
    {
        var timelines = results.Timelines.Where(timeline => timeline.Scenario is "kills").ToList();
        if (timelines.Count == 0)
        {
            return;
        }

        var end = Math.Min(Shown, timelines.Min(timeline => timeline.Slices[^1].At));
        var slices = timelines.SelectMany(timeline => timeline.Slices).Where(slice => slice.Slowest > 0).ToList();
        var panels = timelines.Select(timeline => Panel(results, timeline, end, slices.Min(slice => slice.Slowest), slices.Max(slice => slice.Slowest))).ToList();
        panels[^1].Axes.Bottom.Label.Text = "Seconds";
        panels[^1].Sign(results);
        ChartStyle.SavePicture(panels, path, 1000, 260);
    }

    private static Plot Panel(Results results, Timeline timeline, double end, double fastest, double slowest)
    {
        var failed = results.Find(timeline.Scenario, timeline.System, "", KillScenario.Failed) ?? 0;
        var sent = results.Find(timeline.Scenario, timeline.System, "", KillScenario.Sent) ?? 0;
        var plot = ChartStyle.Create(
            $"{timeline.System}: {Report.Number(failed)} of {Report.Number(sent)} requests failed in {timeline.Kills.Count} kills",
            "",
            "Latency");

        foreach (var kill in timeline.Kills.Where(kill => kill <= end))
        {
            var line = plot.Add.VerticalLine(kill, 1.5f, ScottPlot.Colors.Gray, LinePattern.Dotted);
            line.LegendText = kill == timeline.Kills[0] ? "kill -9 of a replica" : "";
        }

        var answered = timeline.Slices.Where(slice => slice.At <= end && slice.Slowest > 0).ToList();
        var latency = plot.Add.ScatterLine(
            answered.Select(slice => slice.At).ToArray(),
            answered.Select(slice => Math.Log10(slice.Slowest)).ToArray(),
            ChartStyle.Of(timeline.System));
        latency.LineWidth = 2;
        latency.LegendText = "slowest answer in 0.1 s";

        plot.LogarithmicMilliseconds(fastest, slowest);
        var broken = timeline.Slices.Where(slice => slice.At <= end && slice.Failed > 0).ToList();
        if (broken.Count > 0)
        {
            var floor = Math.Floor(Math.Log10(fastest));
            var marks = plot.Add.ScatterPoints(
                broken.Select(slice => slice.At).ToArray(), broken.Select(_ => floor + 0.15).ToArray(), ChartStyle.Failure);
            marks.MarkerSize = 9;
            marks.MarkerShape = MarkerShape.FilledDiamond;
            marks.LegendText = "failed requests";
        }

        plot.Axes.SetLimitsX(0, end);
        plot.ShowLegend(Edge.Right);
        return plot;
    }
}
