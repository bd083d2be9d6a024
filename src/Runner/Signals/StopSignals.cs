using System.Runtime.InteropServices;

namespace ClusterAspire.Runner.Signals;

/// <summary>
/// Ctrl+C and SIGTERM: the first drains, a second one stops at once. A closed terminal drains, however often it says so
/// (the kernel does, and a shell again); where there was none at the start, SIGHUP reloads, as it does with daemons. The end
/// of <see cref="DotnetRun"/> drains too. Ctrl+Z does nothing.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // One Ctrl+C may arrive twice: from the terminal, and from dotnet run, which passes it on.
    private static readonly TimeSpan SameStop = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _drain = new();
    private readonly CancellationTokenSource _atOnce = new();
    private readonly List<PosixSignalRegistration> _registrations;
    private readonly Timer? _orphaned;
    // Asked at the start: a terminal that has hung up cannot be opened.
    private readonly bool _hasTerminal = Terminal.ControllingTerminal.IsThere;
    private readonly Lock _lock = new();
    private long? _first;
    private bool _disposed;

    public StopSignals()
    {
        _registrations =
        [
            .. from signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT, PosixSignal.SIGHUP]
               select PosixSignalRegistration.Create(signal, OnSignal),
        ];
        if (!OperatingSystem.IsWindows())
        {
            // A suspended runner does not read the replicas' output, and their writes would block.
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTSTP, context => context.Cancel = true));
        }

        if (DotnetRun.IsParent)
        {
            _orphaned = new(_ => DrainWhenOrphaned(), null, Watch, Watch);
        }
    }

    /// <summary>SIGHUP was sent by somebody, not by a terminal that closes.</summary>
    public event Action? Reload;

    public CancellationToken Drain => _drain.Token;

    public CancellationToken AtOnce => _atOnce.Token;

    /// <summary>0 after a drain; a shell's code for a process ended by the signal that cut the drain short.</summary>
    public int ExitCode { get; private set; }

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _orphaned?.Dispose();
        lock (_lock)
        {
            // A signal may still arrive.
            _disposed = true;
            _drain.Dispose();
            _atOnce.Dispose();
        }
    }

    /// <summary>Drains, as the first signal does.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            if (!_disposed && _first is null)
            {
                _first = TimeProvider.System.GetTimestamp();
                _ = _drain.CancelAsync();
            }
        }
    }

    private void DrainWhenOrphaned()
    {
        if (DotnetRun.HasEnded)
        {
            Begin();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal is PosixSignal.SIGHUP && !_hasTerminal)
        {
            Reload?.Invoke();
            return;
        }

        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            if (_first is not { } first)
            {
                _first = TimeProvider.System.GetTimestamp();
                _ = _drain.CancelAsync();
            }
            else if (context.Signal is not PosixSignal.SIGHUP && TimeProvider.System.GetElapsedTime(first) > SameStop && !_atOnce.IsCancellationRequested)
            {
                ExitCode = 128 + Number(context.Signal);
                _ = _atOnce.CancelAsync();
            }
        }
    }

    private static int Number(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGQUIT => 3,
        _ => 15,
    };
}
