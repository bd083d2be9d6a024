using ClusterAspire.AppHost;
using ClusterAspire.Orchestration;
using Microsoft.Extensions.Configuration;

return await new ClusterCommand(RunAsync).RunAsync(args);

static async Task<int> RunAsync(IConfiguration configuration)
{
    var options = ClusterOptions.From(configuration);
    var plan = ClusterPlan.Create(options, Machine.Current);
    var service = new ProcessRuntime(options.Service ?? BuiltProgram.Service);
    var loadBalancer = new ProcessRuntime(BuiltProgram.LoadBalancer);

    using var stop = new StopSignals();
    var supervisor = new Supervisor(plan, service, loadBalancer, new ClusterConsole(Console.Out));
    await supervisor.RunAsync(stop.Drain, stop.AtOnce);
    return stop.ExitCode;
}
