using ClusterAspire.AppHost;
using ClusterAspire.Orchestration;
using Microsoft.Extensions.Configuration;

return await new ClusterCommand(RunAsync).RunAsync(args);

static async Task<int> RunAsync(IConfiguration configuration)
{
    var options = ClusterOptions.From(configuration);
    var console = new ClusterConsole(Console.Out);
    var selector = new RuntimeSelector(options, BuildOptions.From(configuration), console);
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
        var supervisor = new Supervisor(plan, service.Runtime, new ProcessRuntime(BuiltProgram.LoadBalancer), console);
        await supervisor.RunAsync(stop.Drain, stop.AtOnce);
    }
    catch (OperationCanceledException) when (stop.Drain.IsCancellationRequested)
    {
        // Stopped before anything was started.
    }

    return stop.ExitCode;
}
