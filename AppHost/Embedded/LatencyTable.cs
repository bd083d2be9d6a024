using System.Globalization;
using System.Net.Http.Json;
using ClusterAspire.Orchestration;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ClusterAspire.AppHost;

/// <summary>The terminal under <c>--telemetry table</c>: once the cluster serves, a live table of the replicas instead of log lines.</summary>
internal sealed class LatencyTable(IClusterOutput log, IAnsiConsole terminal) : IClusterOutput, IAsyncDisposable
{
    private const int MessagesShown = 5;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<string> _messages = new();
    private Task? _showing;

    /// <summary>Whether the options ask for it and the terminal can show it.</summary>
    public static bool IsWanted(ClusterOptions options) =>
        options.Telemetry is TelemetryKind.Table && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;

    public void Line(string workload, string line)
    {
        if (_showing is null)
        {
            log.Line(workload, line);
        }
    }

    public void Say(string message) => Write(message, log.Say);

    public void Warn(string message) => Write(message, log.Warn);

    public void Ready(ClusterPlan plan)
    {
        log.Ready(plan);
        _showing = ShowAsync(plan.LoadBalancer.AdminUrl);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_showing is not null)
        {
            await _showing;
        }

        _stop.Dispose();
    }

    /// <summary>The table.</summary>
    internal static IRenderable Render(IEnumerable<ReplicaFigures> replicas, IEnumerable<string> messages)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in new[] { "replica", "state" })
        {
            table.AddColumn(column);
        }

        foreach (var column in new[] { "core", "pid or container", "restarts", "in flight", "slots", "light/s", "p50", "p95", "p99 ms", "compute", "p50", "p95", "p99 ms" })
        {
            table.AddColumn(column, c => c.RightAligned());
        }

        foreach (var r in replicas)
        {
            table.AddRow(
                new Text(r.Name),
                new Text(r.State, Color(r.State)),
                new Text(Number(r.Core)),
                new Text(r.Container ?? Number(r.Pid)),
                new Text(Number(r.Restarts)),
                new Text(Number(r.InFlight)),
                new Text($"{r.ComputeInFlight}/{r.Slots}"),
                new Text((r.Light.Last10s.Count / 10.0).ToString("#,0", CultureInfo.InvariantCulture)),
                new Text(Milliseconds(r.Light.Last10s.P50)),
                new Text(Milliseconds(r.Light.Last10s.P95)),
                new Text(Milliseconds(r.Light.Last10s.P99)),
                new Text(Number(r.Compute.SinceStart.Count)),
                new Text(Milliseconds(r.Compute.Last10s.P50)),
                new Text(Milliseconds(r.Compute.Last10s.P95)),
                new Text(Milliseconds(r.Compute.Last10s.P99)));
        }

        return new Rows([table, new Text("Latencies over the last 10 s.", new Style(decoration: Decoration.Dim)), .. messages.Select(message => new Text(message))]);
    }

    private async Task ShowAsync(Uri adminUrl)
    {
        using var http = new HttpClient { BaseAddress = adminUrl, Timeout = Interval };
        ReplicaFigures[] replicas = [];
        await terminal.Live(new Text("")).StartAsync(async live =>
        {
            do
            {
                try
                {
                    replicas = await http.GetFromJsonAsync<ReplicaFigures[]>("/api/replicas", _stop.Token) ?? [];
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                {
                    // Not there for the moment: the figures stay as they were.
                }

                lock (_messages)
                {
                    live.UpdateTarget(Render(replicas, [.. _messages]));
                }

                await Task.Delay(Interval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            while (!_stop.IsCancellationRequested);
        });
    }

    private void Write(string message, Action<string> write)
    {
        if (_showing is null)
        {
            write(message);
            return;
        }

        lock (_messages)
        {
            _messages.Enqueue(message);
            if (_messages.Count > MessagesShown)
            {
                _messages.Dequeue();
            }
        }
    }

    private static Color Color(string state) => state switch
    {
        "ready" => Spectre.Console.Color.Green,
        "busy" => Spectre.Console.Color.Yellow,
        "starting" or "draining" => Spectre.Console.Color.Blue,
        _ => Spectre.Console.Color.Red,
    };

    private static string Number(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "–";

    private static string Milliseconds(double? value) => value?.ToString(value < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture) ?? "–";
}
