using ClusterAspire.AppHost;
using ClusterAspire.Orchestration;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

return await new ClusterCommand(configuration => RunAsync(configuration, args)).RunAsync(args);

static async Task<int> RunAsync(IConfiguration configuration, string[] args)
{
    var options = ClusterOptions.From(configuration);
    var console = new ClusterConsole(Console.Out);
    var orchestrator = options.Clean ? OrchestratorKind.Embedded : Orchestrators.Choose(options, args, console);
#if ASPIRE
    if (orchestrator is OrchestratorKind.Aspire)
    {
        return await AspireCluster.RunAsync(options, new RuntimeSelector(options, BuildOptions.From(configuration), console), args, console);
    }
#endif

    await using var table = LatencyTable.IsWanted(options) ? new LatencyTable(console, AnsiConsole.Console) : null;
    var terminal = table ?? (IClusterOutput)console;
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
