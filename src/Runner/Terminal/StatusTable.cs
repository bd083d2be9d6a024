using System.Globalization;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner.Control;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ClusterAspire.Runner.Terminal;

/// <summary>What <c>status</c> shows.</summary>
internal static class StatusTable
{
    /// <summary>The table.</summary>
    /// <param name="status">Of what.</param>
    /// <param name="now">When.</param>
    public static IRenderable Render(ClusterStatus status, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var header in (string[])["name", "state", "process", "core", "port", "up", "memory", "restarts", "last end"])
        {
            table.AddColumn(new TableColumn(header).NoWrap());
        }

        foreach (var workload in status.Workloads)
        {
            table.AddRow(
                new Text(workload.Name),
                new Text(Words(workload.State), Color(workload.State)),
                new Text(workload.Process ?? "–"),
                new Text(Number(workload.Core)),
                new Text(Number(workload.Port)),
                new Text(workload.Process is null || workload.StartedAt is not { } since ? "–" : Describe(now - since)),
                new Text(workload.Memory is { } bytes ? $"{bytes >> 20} MiB" : "–"),
                new Text(Number(workload.Restarts)),
                new Text(workload.LastEnd ?? "–"));
        }

        return new Rows(
            new Text($"{status.Name} at {string.Join(", ", status.Urls)}, live page at {status.AdminUrl}, runner pid {Number(status.Pid)}"),
            new Text(status.Service, new Style(decoration: Decoration.Dim)),
            table);
    }

    private static string Words(WorkloadState state) => state is WorkloadState.CrashLoop ? "crash loop" : state.ToString().ToLowerInvariant();

    private static Color Color(WorkloadState state) => state switch
    {
        WorkloadState.Ready => Spectre.Console.Color.Green,
        WorkloadState.CrashLoop => Spectre.Console.Color.Red,
        _ => Spectre.Console.Color.Blue,
    };

    private static string Describe(TimeSpan up) =>
        up.TotalDays >= 1 ? $"{up.Days} d {up.Hours} h"
        : up.TotalHours >= 1 ? $"{up.Hours} h {up.Minutes} min"
        : up.TotalMinutes >= 1 ? $"{up.Minutes} min {up.Seconds} s"
        : $"{up.Seconds} s";

    private static string Number(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "–";
}
