using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Spectre.Console;

namespace ClusterAspire.Runner.Terminal;

/// <summary>The terminal: every line behind the name of who wrote it, in that one's colour. Plain when redirected or with NO_COLOR.</summary>
internal sealed class ClusterConsole(TextWriter terminal) : IClusterOutput
{
    private const string LivePage = "Live page";

    private static readonly Color[] Colors = [Color.Aqua, Color.Lime, Color.Fuchsia, Color.Yellow, Color.DodgerBlue1, Color.Orange1, Color.SpringGreen1, Color.Orchid];
    private static readonly Style Dim = new(decoration: Decoration.Dim);

    private readonly AnsiWriter _writer = new(terminal);
    private readonly Dictionary<string, Style> _styles = [];
    private readonly Lock _lock = new();

    public void Line(string workload, string line)
    {
        lock (_lock)
        {
            _writer.Write($"{workload} | ", StyleOf(workload), null);
            _writer.WriteLine(line, StyleOfLevel(line), null);
        }
    }

    public void Say(string message) => Write(message, Style.Plain);

    public void Warn(string message) => Write(message, Color.Yellow);

    public void Ready(ClusterPlan plan)
    {
        lock (_lock)
        {
            _writer.WriteLine();
            WriteUrl(plan.Name, plan.LoadBalancer.Url);
            foreach (var address in plan.LoadBalancer.Listen)
            {
                WriteUrl("", address);
            }

            WriteUrl(LivePage, plan.LoadBalancer.AdminUrl);
            _writer.WriteLine("  Ctrl+C drains and stops.", Dim, null);
            _writer.WriteLine();
        }
    }

    private void WriteUrl(string what, Uri url) => WriteUrl(what, url.GetLeftPart(UriPartial.Authority));

    private void WriteUrl(string what, string url)
    {
        _writer.Write($"  {what.PadRight(LivePage.Length)}  ");
        _writer.WriteLine(url, new Style(decoration: Decoration.Bold), null);
    }

    private void Write(string message, Style style)
    {
        lock (_lock)
        {
            _writer.WriteLine(message, style, null);
        }
    }

    private Style StyleOf(string workload)
    {
        if (!_styles.TryGetValue(workload, out var style))
        {
            _styles[workload] = style = Colors[_styles.Count % Colors.Length];
        }

        return style;
    }

    // The words that .NET's console logger begins a line with.
    private static Style StyleOfLevel(string line) => line.Split(':', 2)[0] switch
    {
        "warn" => Color.Yellow,
        "fail" or "crit" => Color.Red,
        "dbug" or "trce" => Dim,
        _ => Style.Plain,
    };
}
