using System.Runtime.InteropServices;
using ClusterAspire.Replica.Supervision;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Draining;

/// <summary>
/// SIGTERM and Ctrl+C drain; the second one ends the process at once, with the shell's exit code for that signal.
/// (The host's own console lifetime swallows the second.)
/// </summary>
internal sealed partial class SignalLifetime(
    Drain drain,
    IOptions<SupervisorOptions> supervisor,
    TimeProvider time,
    ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    // One stop may arrive twice: coreutils' timeout signals its child and then the child's group,
    // and a launcher in between passes on what the group got already.
    private static readonly TimeSpan SameStop = TimeSpan.FromSeconds(1);

    private readonly List<PosixSignalRegistration> _registrations = [];
    private long _first;

    /// <summary>Ends the process with an exit code.</summary>
    internal Action<int> Exit { get; init; } = Environment.Exit;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
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
        // Ctrl+C reaches the whole foreground process group. Under a supervisor, which got it too, the order of
        // leaving is the supervisor's: it sends SIGTERM when it is this process's turn. (Windows has no SIGTERM.)
        if (signal is PosixSignal.SIGINT && supervisor.Value.Pid is not null && !OperatingSystem.IsWindows())
        {
            return;
        }

        var now = time.GetTimestamp();
        var first = Interlocked.CompareExchange(ref _first, now, 0);
        if (first == 0)
        {
            drain.Begin();
        }
        else if (time.GetElapsedTime(first, now) > SameStop)
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
