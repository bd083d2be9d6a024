using System.Globalization;
using System.Text.RegularExpressions;
using CliWrap.Buffered;

namespace ClusterAspire.Bench;

/// <summary>wrk.</summary>
internal sealed partial class WrkTool : IThroughputTool
{
    /// <inheritdoc/>
    public string Name => "wrk";

    /// <inheritdoc/>
    public bool IsInstalled => Tool.Find(Name) is not null;

    /// <inheritdoc/>
    public async Task<Throughput> MeasureAsync(Uri url, double seconds, CancellationToken cancellationToken, int connections = Throughput.Connections)
    {
        // wrk takes whole seconds.
        var whole = Math.Max(1, Math.Round(seconds)).ToString(CultureInfo.InvariantCulture);
        var result = await Tool.Wrap(Name, ["-t1", $"-c{connections}", $"-d{whole}s", "--latency", url.AbsoluteUri])
            .ExecuteBufferedAsync(cancellationToken);
        return Parse(result.StandardOutput);
    }

    /// <summary>Reads wrk's report.</summary>
    /// <exception cref="BenchException">It is not one.</exception>
    public static Throughput Parse(string report) =>
        PerSecond().Match(report) is { Success: true } perSecond
            ? new Throughput(Number(perSecond.Groups[1].Value), Percentile(report, "50%"), Percentile(report, "99%"), Failed(report))
            : throw new BenchException("wrk said nothing that could be read.");

    private static double Percentile(string report, string percentile)
    {
        var line = Regex.Match(report, $@"^\s+{percentile}\s+([\d.]+)(us|ms|s|m)\s*$", RegexOptions.Multiline);
        return line.Success ? Number(line.Groups[1].Value) * Unit(line.Groups[2].Value) : double.NaN;
    }

    private static double Unit(string unit) => unit switch { "us" => 0.001, "ms" => 1, "s" => 1000, _ => 60_000 };

    private static long Failed(string report) =>
        Failures().Matches(report).SelectMany(match => match.Groups.Values.Skip(1))
            .Where(group => group.Success).Sum(group => long.Parse(group.Value, CultureInfo.InvariantCulture));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)|Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")]
    private static partial Regex Failures();
}
