using System.Runtime.InteropServices;
using ClusterAspire.Replica.Supervision;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Draining;

/// <summary>
/// SIGTERM, Ctrl+C and a closed terminal drain; a second SIGTERM or Ctrl+C ends the process at once, with the shell's exit
/// code for that signal. (The host's console lifetime ignores the second.) Under a supervisor only SIGTERM drains, however often it
/// comes: the supervisor decides in which order processes end and how long it waits.
/// </summary>
internal sealed partial class SignalLifetime(
    Drain drain,
    IOptions<SupervisorOptions> supervisor,
    TimeProvider time,
    ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    // One stop may arrive as two signals: coreutils' timeout signals its child and then the child's group, and a launcher in
    // between passes on a signal that the group already got.
    private static readonly TimeSpan SameStop = TimeSpan.FromSeconds(1);

    private readonly List<PosixSignalRegistration> _registrations = [];
    private long _first;

    /// <summary>Ends the process with an exit code.</summary>
#pragma warning disable RS0030 // The second signal asks for this.
    internal Action<int> Exit { get; init; } = Environment.Exit;
#pragma warning restore RS0030

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                OnSignal(context.Signal);
            }));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    internal void OnSignal(PosixSignal signal)
    {
        // A terminal, and an init that ends a whole group or cgroup, signal every process. The supervisor gets the signal too and sends
        // SIGTERM when this process should end. (Windows has no SIGTERM.)
        if (supervisor.Value.Pid is not null && !OperatingSystem.IsWindows())
        {
            if (signal is PosixSignal.SIGTERM)
            {
                drain.Begin();
            }

            return;
        }

        var now = time.GetTimestamp();
        var first = Interlocked.CompareExchange(ref _first, now, 0);
        if (first == 0)
        {
            drain.Begin();
        }
        else if (signal is not PosixSignal.SIGHUP && time.GetElapsedTime(first, now) > SameStop)
        {
            Log.Ended(logger, signal);
            Exit(128 + Number(signal));
        }
    }

    private static int Number(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGQUIT => 3,
        _ => 15,
    };

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Ended by a second {Signal}, with requests in flight or not.")]
        public static partial void Ended(ILogger logger, PosixSignal signal);
    }
}
