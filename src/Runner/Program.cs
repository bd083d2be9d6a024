using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner;
using ClusterAspire.Runner.CommandLine;
using ClusterAspire.Runner.Signals;
using ClusterAspire.Runner.Terminal;
using Spectre.Console;

return await new ClusterCommand(RunAsync).RunAsync(args);

static async Task<int> RunAsync(IReadOnlyList<ConfiguredService> configured)
{
    var options = ServiceRuns.OptionsOf(configured);
    // All services share one output.
    IClusterOutput console = options[0].Log is LogFormat.Json ? new JsonLines(Console.Out) : new ClusterConsole(Console.Out);
    await using var table = LatencyTable.IsWanted(options[0]) ? new LatencyTable(console, AnsiConsole.Console) : null;
    using var terminal = new BufferedOutput(table ?? console);
    using var traces = TraceExport.Begin();
    using var stop = new StopSignals();
    using var systemd = new ServiceManager(terminal, stop, configured.Count);
    var services = new ServiceRuns(configured, options, systemd, stop);
    try
    {
        await (options[0].Clean ? services.CleanAsync() : services.RunAsync());
    }
    catch (OperationCanceledException) when (stop.Drain.IsCancellationRequested)
    {
        // Stopped before the first start.
    }

    return stop.ExitCode;
}
