using System.Globalization;
using System.Text;
using ClusterAspire.LoadBalancer.Live;
using Spectre.Console;

namespace ClusterAspire.Bench;

/// <summary>Tells what a run found out: on the terminal, as Markdown and as pictures.</summary>
internal static class Report
{
    /// <summary>Prints the tables.</summary>
    public static void Print(Results results, IAnsiConsole console)
    {
        foreach (var scenario in results.Figures.GroupBy(figure => figure.Scenario))
        {
            var columns = scenario.Select(figure => (figure.Name, figure.Unit)).Distinct().ToList();
            var table = new Table().RoundedBorder().Title($"[bold]{scenario.Key}[/]").AddColumn("System").AddColumn("Case");
            foreach (var (name, unit) in columns)
            {
                table.AddColumn(new TableColumn(Markup.Escape(unit is "" || name.EndsWith(unit, StringComparison.Ordinal) ? name : $"{name}, {unit}")).RightAligned());
            }

            foreach (var row in scenario.GroupBy(figure => (figure.System, figure.Case)))
            {
                table.AddRow([
                    Markup.Escape(row.Key.System),
                    Markup.Escape(row.Key.Case),
                    .. columns.Select(column => row.FirstOrDefault(figure => (figure.Name, figure.Unit) == column) is { } figure ? Number(figure.Value) : ""),
                ]);
            }

            console.Write(table);
        }

        foreach (var skipped in results.Skipped)
        {
            console.MarkupLineInterpolated($"[yellow]skipped[/] {skipped.Name}: {skipped.Reason}");
        }

        if (results.Goals.Count > 0)
        {
            var goals = new Table().RoundedBorder().Title("[bold]Goals[/]").AddColumns("", "Goal").AddColumn(new TableColumn("Value").RightAligned()).AddColumn("Wanted");
            foreach (var goal in results.Goals)
            {
                goals.AddRow(goal.Met ? "[green]met[/]" : "[red]not met[/]", Markup.Escape(goal.Name), Number(goal.Value), goal.Wanted);
            }

            console.Write(goals);
        }
    }

    /// <summary>Draws the pictures for which there are figures.</summary>
    public static void Draw(Results results, string folder)
    {
        LatencyChart.Draw(results, Path.Combine(folder, "latency"));
        ScalingChart.Draw(results, Path.Combine(folder, "scaling"));
        KillChart.Draw(results, Path.Combine(folder, "kills"));
        ForwardingChart.Draw(results, Path.Combine(folder, "forwarding"));
    }

    /// <summary>Writes the article's table and the goals as Markdown.</summary>
    public static Task WriteMarkdownAsync(Results results, string folder, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        string[] cases = [.. results.Figures.Where(figure => figure.Scenario is "article").Select(figure => figure.Case).Distinct()];
        if (cases.Length > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"/fast, p50 / p99 in ms | {string.Join(" | ", cases)}");
            text.AppendLine($"--- | {string.Join(" | ", cases.Select(_ => "---:"))}");
            foreach (var system in results.Figures.Where(figure => figure.Scenario is "article").Select(figure => figure.System).Distinct())
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"{system} | {string.Join(" | ", cases.Select(@case => Cell(results, system, @case)))}");
            }

            text.AppendLine();
        }

        text.AppendLine("Goal | Value | Wanted | Met").AppendLine("--- | ---: | --- | ---");
        foreach (var goal in results.Goals)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{goal.Name} | {Number(goal.Value)} | {goal.Wanted} | {(goal.Met ? "yes" : "no")}");
        }

        text.AppendLine().AppendLine(Origin(results));
        return File.WriteAllTextAsync(Path.Combine(folder, "results.md"), text.ToString(), cancellationToken);
    }

    /// <summary>Where and when the numbers come from, in one line.</summary>
    public static string Origin(Results results) => string.Create(
        CultureInfo.InvariantCulture,
        $"{results.Machine.Processor}, {results.Machine.Cores} cores, {results.Machine.Runtime}, {results.Started:yyyy-MM-dd}{(results.Commit is { } commit ? $", commit {commit}" : "")}");

    /// <summary>A number with three digits that mean something.</summary>
    public static string Number(double value) => Math.Abs(value) switch
    {
        var whole when whole == Math.Round(whole) => value.ToString("N0", CultureInfo.InvariantCulture).Replace(',', ' '),
        < 0.1 => value.ToString("0.0000", CultureInfo.InvariantCulture),
        < 10 => value.ToString("0.00", CultureInfo.InvariantCulture),
        < 100 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("N0", CultureInfo.InvariantCulture).Replace(',', ' '),
    };

    private static string Cell(Results results, string system, string @case) =>
        results.Find("article", system, @case, "p50") is { } p50 && results.Find("article", system, @case, "p99") is { } p99
            ? $"{Number(p50)} / {Number(p99)}"
            : "";
}
