using System.Globalization;
using System.Net.Http.Json;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ClusterAspire.Runner.Terminal;

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
            // A terminal that no longer reads must not keep the program from ending.
            await Task.WhenAny(_showing, Task.Delay(Interval));
        }

        _stop.Dispose();
    }

    /// <summary>The table, with as many columns as a terminal of that width has room for.</summary>
    internal static IRenderable Render(IReadOnlyList<ReplicaStatus> replicas, IEnumerable<string> messages, int width)
    {
        var columns = Columns(replicas.Select(replica => replica.Name.Length).DefaultIfEmpty().Max());
        while (columns.Max(column => column.Rank) is > 0 and var least && 1 + columns.Sum(column => column.Width + 3) > width)
        {
            columns.RemoveAll(column => column.Rank == least);
        }

        var table = new Table().Border(TableBorder.Rounded);
        foreach (var (i, column) in columns.Index())
        {
            table.AddColumn(new TableColumn(column.Header) { Width = column.Width, NoWrap = true, Alignment = i < 2 ? Justify.Left : Justify.Right });
        }

        foreach (var replica in replicas)
        {
            table.AddRow(columns.Select(column => column.Cell(replica)));
        }

        return new Rows([table, new Text("Latencies over the last 10 s.", new Style(decoration: Decoration.Dim)), .. messages.Select(message => new Text(message))]);
    }

    private static List<LatencyColumn> Columns(int longestName) =>
    [
        new("replica", Math.Max(longestName, 9), 0, r => r.Name),
        new("state", 10, 0, r => new Text(Words(r.State), Color(r.State))),
        new("core", 4, 0, r => Number(r.Core)),
        new("process", 12, 5, r => r.Container ?? Number(r.Pid)),
        new("restarts", 8, 2, r => Number(r.Restarts)),
        new("in flight", 9, 1, r => Number(r.InFlight)),
        new("slots", 5, 0, r => $"{r.ComputeInFlight}/{r.Slots}"),
        new("light/s", 7, 0, r => (r.Light.Last10s.Count / 10.0).ToString("#,0", CultureInfo.InvariantCulture)),
        new("p50 ms", 6, 3, r => Milliseconds(r.Light.Last10s.P50)),
        new("p95 ms", 6, 4, r => Milliseconds(r.Light.Last10s.P95)),
        new("p99 ms", 6, 0, r => Milliseconds(r.Light.Last10s.P99)),
        new("compute", 7, 0, r => Number(r.Compute.SinceStart.Count)),
        new("p50 ms", 6, 3, r => Milliseconds(r.Compute.Last10s.P50)),
        new("p95 ms", 6, 4, r => Milliseconds(r.Compute.Last10s.P95)),
        new("p99 ms", 6, 0, r => Milliseconds(r.Compute.Last10s.P99)),
    ];

    private async Task ShowAsync(Uri adminUrl)
    {
        using var http = LoopbackHttp.CreateForAdmin(Interval, adminUrl);
        ReplicaStatus[] replicas = [];
        await terminal.Live(new Text("")).StartAsync(async live =>
        {
            do
            {
                try
                {
                    replicas = await http.GetFromJsonAsync<ReplicaStatus[]>("/api/replicas", _stop.Token) ?? [];
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException or System.Text.Json.JsonException)
                {
                    // The load balancer does not answer: the table keeps its figures.
                }

                string[] messages;
                lock (_messages)
                {
                    messages = [.. _messages];
                }

                live.UpdateTarget(Render(replicas, messages, terminal.Profile.Width));

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

    private static string Words(ReplicaState state) => state.ToString().ToLowerInvariant();

    private static Color Color(ReplicaState state) => state switch
    {
        ReplicaState.Ready => Spectre.Console.Color.Green,
        ReplicaState.Busy => Spectre.Console.Color.Yellow,
        ReplicaState.Starting or ReplicaState.Draining => Spectre.Console.Color.Blue,
        _ => Spectre.Console.Color.Red,
    };

    private static string Number(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "–";

    private static string Milliseconds(double? value) => value?.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture) ?? "–";
}
