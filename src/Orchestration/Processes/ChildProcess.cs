using System.ComponentModel;
using System.Diagnostics;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>A process that this one has started, with everything that it starts itself.</summary>
internal abstract class ChildProcess : IDisposable
{
    /// <summary>Its process id.</summary>
    public abstract int Id { get; }

    /// <summary>Its standard input.</summary>
    public abstract Stream Input { get; }

    /// <summary>Its standard output.</summary>
    public abstract Stream Output { get; }

    /// <summary>Its standard error.</summary>
    public abstract Stream Error { get; }

    /// <summary>
    /// Completes with its exit code when none of its processes runs any more. Child processes that it leaves behind are killed, unless it
    /// was told to end: then they may drain.
    /// </summary>
    public abstract Task<int> Exited { get; }

    /// <summary>Starts a program.</summary>
    /// <param name="start">What to start, with all three streams redirected.</param>
    /// <param name="core">The core it may use, or null for all.</param>
    /// <param name="descriptors">Descriptors of this process that it is to have too, by the same numbers; none on Windows.</param>
    /// <exception cref="Win32Exception">It cannot be started, or the core cannot be used.</exception>
    public static ChildProcess Start(ProcessStartInfo start, int? core, IReadOnlyList<int>? descriptors = null) =>
        OperatingSystem.IsWindows() ? WindowsProcess.Start(start, core) : ProcessGroup.Start(start, core, descriptors);

    /// <summary>Asks it, and what it has started, to end.</summary>
    public abstract void Terminate();

    /// <summary>Tells it that another process has taken its sockets over, and to end with the connections it has.</summary>
    public virtual void HandOver() => Terminate();

    /// <summary>Ends it, and what it has started, at once.</summary>
    public abstract void Kill();

    /// <summary>Closes its streams.</summary>
    public virtual void Dispose()
    {
        Input.Dispose();
        Output.Dispose();
        Error.Dispose();
        GC.SuppressFinalize(this);
    }
}
