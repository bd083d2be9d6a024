using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Processes;
using ClusterAspire.Orchestration.Selection;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner;
using ClusterAspire.Runner.CommandLine;
using ClusterAspire.Runner.Signals;
using ClusterAspire.Runner.Terminal;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

return await new ClusterCommand(RunAsync).RunAsync(args);

static async Task<int> RunAsync(IConfiguration configuration)
{
    var options = ClusterOptions.From(configuration);
    var console = new ClusterConsole(Console.Out);
    await using var table = LatencyTable.IsWanted(options) ? new LatencyTable(console, AnsiConsole.Console) : null;
    using var terminal = new BufferedOutput(table ?? (IClusterOutput)console);
    var selector = new RuntimeSelector(options, BuildOptions.From(configuration), terminal);
    using var stop = new StopSignals();
    try
    {
        if (options.Clean)
        {
            await selector.CleanAsync(stop.Drain);
            return 0;
        }

        await using var service = await selector.SelectAsync(BuiltProgram.Service, BuiltProgram.Source, stop.Drain);
        var plan = ClusterPlan.Create(options, service.Machine);
        using var output = new LivePageReports(terminal, plan.LoadBalancer.AdminUrl);
        var supervisor = new Supervisor(plan, service.Runtime, new ProcessRuntime(BuiltProgram.LoadBalancer), output);
        await supervisor.RunAsync(stop.Drain, stop.AtOnce);
    }
    catch (OperationCanceledException) when (stop.Drain.IsCancellationRequested)
    {
        // Stopped before anything was started.
    }

    return stop.ExitCode;
}
