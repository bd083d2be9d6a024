using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Selection;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner;
using ClusterAspire.Runner.CommandLine;
using ClusterAspire.Runner.Signals;
using ClusterAspire.Runner.Terminal;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

return await new ClusterCommand(RunAsync).RunAsync(args);

static async Task<int> RunAsync(Func<IConfiguration> configure)
{
    var configuration = configure();
    var options = ClusterOptions.From(configuration);
    IClusterOutput console = options.Log is LogFormat.Json ? new JsonLines(Console.Out) : new ClusterConsole(Console.Out);
    await using var table = LatencyTable.IsWanted(options) ? new LatencyTable(console, AnsiConsole.Console) : null;
    using var terminal = new BufferedOutput(table ?? console);
    using var stop = new StopSignals();
    await using var cluster = new ClusterRun(configure, terminal, stop);
    try
    {
        await (options.Clean ? new RuntimeSelector(options, BuildOptions.From(configuration), terminal).CleanAsync(stop.Drain) : cluster.RunAsync());
    }
    catch (OperationCanceledException) when (stop.Drain.IsCancellationRequested)
    {
        // Stopped before anything was started.
    }

    return stop.ExitCode;
}
