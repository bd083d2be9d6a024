using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>One running process.</summary>
internal sealed partial class ProcessInstance : IStandby
{
    private const int SigTerm = 15;
    private const uint CtrlBreak = 1;

    // What a process wrote is read in no time once it has ended, unless a child of its own holds the pipe open.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private readonly Process _process;
    private readonly int _pid;

    public ProcessInstance(Process process, Action<string> output, bool waits = false)
    {
        _process = process;
        _pid = process.Id;
        Id = $"pid {_pid}";
        if (!waits)
        {
            process.StandardInput.Close();
        }

        Exited = WaitAsync(Task.WhenAll(ForwardAsync(process.StandardOutput, output), ForwardAsync(process.StandardError, output)));
    }

    public string Id { get; }

    public Task<int> Exited { get; }

    public async Task ServeAsync()
    {
        try
        {
            await _process.StandardInput.WriteLineAsync("serve");
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended.
        }
    }

    public Task StopAsync()
    {
        if (!_process.HasExited && !Ask())
        {
            Kill();
        }

        return Task.CompletedTask;
    }

    public Task KillAsync()
    {
        Kill();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<int> WaitAsync(Task output)
    {
        await _process.WaitForExitAsync();
        await Task.WhenAny(output, Task.Delay(LastWords));
        return _process.ExitCode;
    }

    private static async Task ForwardAsync(StreamReader reader, Action<string> output)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                output(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The process was disposed of while a child of its own held the pipe.
        }
    }

    private bool Ask() => OperatingSystem.IsWindows()
        ? GenerateConsoleCtrlEvent(CtrlBreak, (uint)_pid)
        : Signal(_pid, SigTerm) == 0;

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended by itself, or some child of its own has.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GenerateConsoleCtrlEvent(uint what, uint processGroup);
}
