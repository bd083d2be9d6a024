using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Supervision;

/// <summary>
/// Delays the start of a standby until its supervisor tells it, by a line on standard input, to serve. Until then the application is
/// built, but no hosted service has started and no port is open.
/// </summary>
internal sealed class Standby(IOptions<SupervisorOptions> options) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Standby)
        {
            await ServerWarmUp.RunAsync(cancellationToken);
            await WaitAsync(cancellationToken);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task WaitAsync(CancellationToken cancellationToken)
    {
        // Reading from a console cannot be cancelled, so a thread of its own does it.
        var told = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => told.SetResult(Console.In.ReadLine())) { IsBackground = true, Name = "Standby" }.Start();
        if (await told.Task.WaitAsync(cancellationToken) is null)
        {
            Console.Error.WriteLine("Standard input has ended, and with it whoever would have said that this standby is to serve: ending.");
#pragma warning disable RS0030 // No caller could handle an exception here.
            Environment.Exit(1);
#pragma warning restore RS0030
        }
    }
}
