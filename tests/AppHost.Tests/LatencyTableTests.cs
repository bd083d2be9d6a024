using Spectre.Console;

namespace ClusterAspire.AppHost.Tests;

public sealed class LatencyTableTests
{
    private static readonly ReplicaFigures.Class None = new(new(0, null, null, null), new(0, null, null, null));

    [Fact]
    public void A_row_shows_one_replicas_figures_under_their_headings()
    {
        var lines = Render(
            [
                new("replica-0", 0, 4711, null, "busy", 2, 3, 1, 1,
                    new(new(1234, 0.42, 1.5, 250), new(9999, 7, 7, 7)),
                    new(new(8, 2500, 2600, 2700.4), new(56, 7, 7, 7))),
                new("replica-1", null, null, null, "starting", 0, 0, 1, 0, None, None),
            ],
            ["replica-1 (pid 9) exited with code 137"]);

        Assert.Equal(
            ["replica", "state", "core", "pid or container", "restarts", "in flight", "slots", "light/s", "p50", "p95", "p99 ms", "compute", "p50", "p95", "p99 ms"],
            Cells(lines, "replica "));
        Assert.Equal(["replica-0", "busy", "0", "4711", "2", "3", "1/1", "123", "0.42", "1.50", "250", "56", "2,500", "2,600", "2,700"], Cells(lines, "replica-0"));
        Assert.Equal(["replica-1", "starting", "–", "–", "0", "0", "0/1", "0", "–", "–", "–", "0", "–", "–", "–"], Cells(lines, "replica-1"));
        Assert.Equal("replica-1 (pid 9) exited with code 137", lines[^1]);
    }

    private static string[] Render(IEnumerable<ReplicaFigures> replicas, IEnumerable<string> messages)
    {
        using var text = new StringWriter();
        var terminal = AnsiConsole.Create(new() { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        terminal.Profile.Width = 200;
        terminal.Write(LatencyTable.Render(replicas, messages));
        return [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd())];
    }

    private static string[] Cells(IEnumerable<string> lines, string begin) =>
        [.. lines.Single(line => line.StartsWith($"│ {begin}", StringComparison.Ordinal)).Trim('│').Split('│', StringSplitOptions.TrimEntries)];
}
