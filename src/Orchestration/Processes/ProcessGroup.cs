using System.ComponentModel;
using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using ClusterAspire.Replica.Pinning;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>
/// A process on Unix that leads its own session and process group. The processes that it starts get its signals and end with it, and
/// a signal of the terminal to the supervisor's group does not reach them.
/// </summary>
/// <remarks>posix_spawn(3) is used because <see cref="Process"/> cannot start a process in another group.</remarks>
[UnsupportedOSPlatform("windows")]
internal sealed partial class ProcessGroup : ChildProcess
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigWinch = 28;
    private const int Interrupted = 4;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    // A zombie counts as running until its parent waits for it.
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(2);

    private readonly AnonymousPipeServerStream _input = new(PipeDirection.Out, HandleInheritability.None);
    private readonly AnonymousPipeServerStream _output = new(PipeDirection.In, HandleInheritability.None);
    private readonly AnonymousPipeServerStream _error = new(PipeDirection.In, HandleInheritability.None);
    private readonly TaskCompletionSource<int> _leader = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IReadOnlyList<int> _descriptors;
    private readonly Lock _lock = new();
    private bool _terminated;
    private bool _killed;
    private bool _ended;

    private ProcessGroup(ProcessStartInfo start, int? core, IReadOnlyList<int>? descriptors)
    {
        _descriptors = descriptors ?? [];
        try
        {
            Id = core is not null && OperatingSystem.IsLinux() ? SpawnPinned(start, core.Value) : Spawn(start);
        }
        catch (Win32Exception)
        {
            Dispose();
            throw;
        }

        _input.DisposeLocalCopyOfClientHandle();
        _output.DisposeLocalCopyOfClientHandle();
        _error.DisposeLocalCopyOfClientHandle();
        new Thread(WaitForLeader, 128 * 1024) { IsBackground = true, Name = $"Waits for {Id}" }.Start();
        Exited = WaitAsync();
    }

    public override int Id { get; }

    public override Stream Input => _input;

    public override Stream Output => _output;

    public override Stream Error => _error;

    public override Task<int> Exited { get; }

    public static new ProcessGroup Start(ProcessStartInfo start, int? core, IReadOnlyList<int>? descriptors = null)
    {
        var group = new ProcessGroup(start, core, descriptors);
        OrphanGuard.Add(group.Id);
        _ = group.Exited.ContinueWith(_ => OrphanGuard.Remove(group.Id), TaskScheduler.Default);
        return group;
    }

    /// <summary>Starts one that may outlive this process.</summary>
    public static ProcessGroup StartUnguarded(ProcessStartInfo start, int? core = null) => new(start, core, null);

    public override void Terminate()
    {
        lock (_lock)
        {
            _terminated = true;
            Signal(SigTerm);
        }
    }

    public override void HandOver()
    {
        lock (_lock)
        {
            _terminated = true;
            Signal(SigWinch);
        }
    }

    public override void Kill()
    {
        lock (_lock)
        {
            _killed = true;
            Signal(SigKill);
        }
    }

    private async Task<int> WaitAsync()
    {
        var exitCode = await _leader.Task;
        for (var killed = default(long?); IsRunning(); await Task.Delay(PollInterval))
        {
            lock (_lock)
            {
                if (_killed || !_terminated)
                {
                    Signal(SigKill);
                    killed ??= Stopwatch.GetTimestamp();
                }
            }

            if (killed is { } since && Stopwatch.GetElapsedTime(since) > KillLimit)
            {
                break;
            }
        }

        lock (_lock)
        {
            // From now on the system may give the id to another process.
            _ended = true;
        }

        return exitCode;
    }

    private void WaitForLeader()
    {
        int status;
        while (WaitPid(Id, out status, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() is not Interrupted)
            {
                _leader.SetResult(-1);
                return;
            }
        }

        // wait(2): the signal that ended it in the lowest seven bits, or else the exit code in the eight above them and one.
        _leader.SetResult((status & 0x7f) is not 0 and var signal ? 128 + signal : status >> 8 & 0xff);
    }

    private bool IsRunning() => Signal(-Id, 0) is 0;

    private void Signal(int signal)
    {
        if (!_ended)
        {
            _ = Signal(-Id, signal);
        }
    }

    // On Linux each thread has its own affinity, so a mask that is set after the start moves only the main thread. A child inherits the
    // mask of the thread that starts it: a new thread pins itself, starts the child and ends.
    [SupportedOSPlatform("linux")]
    private int SpawnPinned(ProcessStartInfo start, int core)
    {
        var spawned = new TaskCompletionSource<int>();
        new Thread(() =>
        {
            try
            {
                spawned.SetResult(ThreadAffinity.Set(0, core) is 0 ? Spawn(start) : throw new Win32Exception());
            }
            catch (Exception e)
            {
                spawned.SetException(e);
            }
        })
        {
            IsBackground = true,
            Name = "Pinned start",
        }.Start();
#pragma warning disable VSTHRD002 // The new thread completes it at once.
        return spawned.Task.GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
    }

    private unsafe int Spawn(ProcessStartInfo start)
    {
        // As large as the structures of every C library; Apple's is only a pointer.
        const int StructBytes = 1024;
        const short SetSignalDefaults = 4;
        const short SetSignalMask = 8;
        var setSession = (short)(OperatingSystem.IsMacOS() ? 0x400 : 0x80);

        var actions = stackalloc byte[StructBytes];
        var attributes = stackalloc byte[StructBytes];
        // A signal set has one bit for each signal, the lowest one for signal 1. .NET ignores SIGPIPE in this process; its children
        // must not inherit that, nor a mask.
        var brokenPipe = stackalloc ulong[16];
        new Span<ulong>(brokenPipe, 16).Clear();
        var none = stackalloc ulong[16];
        new Span<ulong>(none, 16).Clear();
        brokenPipe[0] = 1UL << (13 - 1);

        Check(InitActions(actions));
        Check(InitAttributes(attributes));
        try
        {
            Check(AddDup(actions, Handle(_input), 0));
            Check(AddDup(actions, Handle(_output), 1));
            Check(AddDup(actions, Handle(_error), 2));
            foreach (var descriptor in _descriptors)
            {
                // A dup2 onto itself clears close-on-exec (posix_spawn_file_actions_adddup2(3p)).
                Check(AddDup(actions, descriptor, descriptor));
            }

            if (start.WorkingDirectory is not "")
            {
                Check(AddChangeDirectory(actions, start.WorkingDirectory));
            }

            Check(SetDefaults(attributes, brokenPipe));
            Check(SetMask(attributes, none));
            Check(SetFlags(attributes, (short)(SetSignalDefaults | SetSignalMask | setSession)));

            using var arguments = new NativeStrings([start.FileName, .. start.ArgumentList]);
            using var environment = new NativeStrings(start.Environment.Where(variable => variable.Value is not null).Select(variable => $"{variable.Key}={variable.Value}"));
            Check(Spawn(out var pid, start.FileName, actions, attributes, arguments.Pointer, environment.Pointer));
            return pid;
        }
        finally
        {
            _ = DestroyActions(actions);
            _ = DestroyAttributes(attributes);
        }
    }

    private static int Handle(AnonymousPipeServerStream pipe) => (int)pipe.ClientSafePipeHandle.DangerousGetHandle();

    private static void Check(int error)
    {
        if (error is not 0)
        {
            throw new Win32Exception(error);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitPid(int pid, out int status, int options);

    [LibraryImport("libc", EntryPoint = "posix_spawnp", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Spawn(out int pid, string file, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static unsafe partial int InitActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static unsafe partial int DestroyActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static unsafe partial int AddDup(byte* actions, int from, int to);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addchdir_np", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int AddChangeDirectory(byte* actions, string path);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static unsafe partial int InitAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static unsafe partial int DestroyAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static unsafe partial int SetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static unsafe partial int SetDefaults(byte* attributes, ulong* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static unsafe partial int SetMask(byte* attributes, ulong* signals);
}
