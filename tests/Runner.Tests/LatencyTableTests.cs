using ClusterAspire.Contract;
using ClusterAspire.Runner.Terminal;
using Spectre.Console;

namespace ClusterAspire.Runner.Tests;

public sealed class LatencyTableTests
{
    private static readonly RouteClassStatus None = new(new(0, null, null, null), new(0, null, null, null), new(0, null, null, null));

    [Fact]
    public void A_row_shows_one_replicas_figures_under_their_headings()
    {
        var lines = Render(
            [
                new("replica-0", "http://127.0.0.1:20000", 0, 4711, null, ReplicaState.Busy, 2, 3, 1, 1, 2.5, false,
                    new(new(1234, 0.42, 1.5, 250), new(5000, 7, 7, 7), new(9999, 7, 7, 7)),
                    new(new(8, 2500, 2600, 2700.4), new(40, 7, 7, 7), new(56, 7, 7, 7))),
                new("replica-1", "http://127.0.0.1:20001", null, null, null, ReplicaState.Starting, 0, 0, 1, 0, null, false, None, None),
            ],
            ["replica-1 (pid 9) exited with code 137"]);

        Assert.Equal(
            ["replica", "state", "core", "process", "restarts", "in flight", "slots", "light/s", "p50 ms", "p95 ms", "p99 ms", "compute", "p50 ms", "p95 ms", "p99 ms"],
            Cells(lines, "replica "));
        Assert.Equal(["replica-0", "busy", "0", "4711", "2", "3", "1/1", "123", "0.42", "1.50", "250", "56", "2,500", "2,600", "2,700"], Cells(lines, "replica-0"));
        Assert.Equal(["replica-1", "starting", "–", "–", "0", "0", "0/1", "0", "–", "–", "–", "0", "–", "–", "–"], Cells(lines, "replica-1"));
        Assert.Equal("replica-1 (pid 9) exited with code 137", lines[^1]);
    }

    [Theory]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(150)]
    public void A_narrow_terminal_gets_fewer_columns_and_none_of_them_broken(int width)
    {
        ReplicaStatus Busy(string name, double p99) => new(
            name, "http://127.0.0.1:20000", 0, 4711, null, ReplicaState.Restarting, 2, 3, 1, 1, null, false,
            new(new(1234, 0.42, 1.5, p99), new(5000, 7, 7, 7), new(9999, 7, 7, 7)), None);
        var lines = Render([Busy("replica-0", 12_345), Busy("replica-1", 0.5)], [], width);

        Assert.Equal(["replica-0", "restarting", "0"], Cells(lines, "replica-0")[..3]);
        Assert.Contains("12,345", Cells(lines, "replica-0"));
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        Assert.Equal(lines[0].Length, Render([Busy("replica-0", 1), Busy("replica-1", 1)], [], width)[0].Length);
    }

    private static string[] Render(IReadOnlyList<ReplicaStatus> replicas, IEnumerable<string> messages, int width = 200)
    {
        using var text = new StringWriter();
        var terminal = AnsiConsole.Create(new() { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        terminal.Profile.Width = width;
        terminal.Write(LatencyTable.Render(replicas, messages, width));
        return [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd())];
    }

    private static string[] Cells(IEnumerable<string> lines, string begin) =>
        [.. lines.Single(line => line.StartsWith($"│ {begin}", StringComparison.Ordinal)).Trim('│').Split('│', StringSplitOptions.TrimEntries)];
}
