using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>One running process.</summary>
internal sealed class ProcessInstance : IStandby
{
    // The output of a process ends when the process ends, unless a process outside its group holds the pipe open.
    private static readonly TimeSpan OutputTimeout = TimeSpan.FromMilliseconds(500);

    private readonly ChildProcess _process;

    public ProcessInstance(ChildProcess process, int? core, Action<string> output, bool waits = false)
    {
        _process = process;
        Id = $"pid {process.Id}";
        Core = core;
        if (!waits)
        {
            process.Input.Dispose();
        }

        Exited = WaitAsync(Task.WhenAll(OutputLines.ForwardAsync(process.Output, output), OutputLines.ForwardAsync(process.Error, output)));
    }

    public string Id { get; }

    public int? Core { get; }

    public long? Memory
    {
        get
        {
            try
            {
                using var process = System.Diagnostics.Process.GetProcessById(_process.Id);
                return process.WorkingSet64;
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException)
            {
                // It has ended, or cannot be read.
                return null;
            }
        }
    }

    public Task<int> Exited { get; }

    public async Task ServeAsync()
    {
        try
        {
            await _process.Input.WriteAsync("serve\n"u8.ToArray());
            await _process.Input.DisposeAsync();
        }
        catch (IOException)
        {
            // It has ended.
        }
    }

    public Task StopAsync()
    {
        _process.Terminate();
        return Task.CompletedTask;
    }

    public Task HandOverAsync()
    {
        _process.HandOver();
        return Task.CompletedTask;
    }

    public Task KillAsync()
    {
        _process.Kill();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<int> WaitAsync(Task output)
    {
        var exitCode = await _process.Exited;
        await Task.WhenAny(output, Task.Delay(OutputTimeout));
        return exitCode;
    }
}
