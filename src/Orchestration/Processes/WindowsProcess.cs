using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>A process on Windows, in a console process group of its own: Ctrl+C is for the supervisor alone.</summary>
[SupportedOSPlatform("windows")]
internal sealed partial class WindowsProcess : ChildProcess
{
    private const uint CtrlBreak = 1;
    private readonly Process _process;

    private WindowsProcess(Process process)
    {
        _process = process;
        Id = process.Id;
        Exited = WaitAsync();
    }

    public override int Id { get; }

    public override Stream Input => _process.StandardInput.BaseStream;

    public override Stream Output => _process.StandardOutput.BaseStream;

    public override Stream Error => _process.StandardError.BaseStream;

    public override Task<int> Exited { get; }

    public static WindowsProcess Start(ProcessStartInfo start, int? core)
    {
        start.CreateNewProcessGroup = true;
        var process = Process.Start(start)!;
        if (core is not null)
        {
            Pin(process, core.Value);
        }

        return new(process);
    }

    public override void Terminate()
    {
        if (!_process.HasExited && !GenerateConsoleCtrlEvent(CtrlBreak, (uint)Id))
        {
            Kill();
        }
    }

    public override void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended, or one of its children has.
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _process.Dispose();
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    private static void Pin(Process process, int core)
    {
        try
        {
            process.ProcessorAffinity = (nint)1 << core;
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception && process.WaitForExit(TimeSpan.Zero))
        {
            // It has ended already. Exited reports that.
        }
    }

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GenerateConsoleCtrlEvent(uint what, uint processGroup);
}
