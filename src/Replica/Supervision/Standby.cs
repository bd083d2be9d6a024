using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Supervision;

/// <summary>
/// Holds a standby's start until its supervisor says, by a line on standard input, that it is to serve. By then all is built;
/// no hosted service has started and nothing listens.
/// </summary>
internal sealed class Standby(IOptions<SupervisorOptions> options) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Standby)
        {
            await Rehearsal.PlayAsync(cancellationToken);
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
        // Reading a console cannot be given up, so a thread of its own is left behind with it.
        var told = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => told.SetResult(Console.In.ReadLine())) { IsBackground = true, Name = "Standby" }.Start();
        if (await told.Task.WaitAsync(cancellationToken) is null)
        {
            Console.Error.WriteLine("Standard input has ended, and with it whoever would have said that this standby is to serve: ending.");
#pragma warning disable RS0030 // Nobody is left who could be told.
            Environment.Exit(1);
#pragma warning restore RS0030
        }
    }
}
