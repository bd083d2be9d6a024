using System.Globalization;
using CliWrap.Buffered;

namespace ClusterAspire.Bench;

/// <summary>nghttp2's h2load, speaking HTTP/1.1.</summary>
internal sealed class H2LoadTool : IThroughputTool
{
    /// <inheritdoc/>
    public string Name => "h2load";

    /// <inheritdoc/>
    public bool IsInstalled => Tool.Find(Name) is not null;

    /// <inheritdoc/>
    public async Task<Throughput> MeasureAsync(Uri url, double seconds, CancellationToken cancellationToken, int connections = Throughput.Connections)
    {
        var log = Path.GetTempFileName();
        try
        {
            var whole = Math.Max(1, Math.Round(seconds)).ToString(CultureInfo.InvariantCulture);
            await Tool.Wrap(Name, ["--h1", "-t1", $"-c{connections}", $"-D{whole}", $"--log-file={log}", url.AbsoluteUri])
                .ExecuteBufferedAsync(cancellationToken);
            return Parse(await File.ReadAllLinesAsync(log, cancellationToken), double.Parse(whole, CultureInfo.InvariantCulture));
        }
        finally
        {
            File.Delete(log);
        }
    }

    /// <summary>Reads h2load's log: begin, status and duration of each request, times in µs.</summary>
    public static Throughput Parse(IEnumerable<string> log, double seconds)
    {
        var latencies = new Latencies();
        var failed = 0L;
        foreach (var fields in log.Select(line => line.Split('\t')).Where(fields => fields.Length >= 3))
        {
            if (fields[1].StartsWith('2'))
            {
                latencies.Add(TimeSpan.FromMicroseconds(long.Parse(fields[2], CultureInfo.InvariantCulture)));
            }
            else
            {
                failed++;
            }
        }

        return new Throughput(latencies.Count / seconds, latencies.Percentile(50), latencies.Percentile(99), failed);
    }
}
