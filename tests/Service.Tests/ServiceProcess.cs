using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace ClusterAspire.Service.Tests;

/// <summary>The real service as a process of its own, on a loopback port of its own.</summary>
internal sealed partial class ServiceProcess : IAsyncDisposable
{
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;

    private ServiceProcess((string Key, string Value)[] environment)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "ClusterAspire.Service");
        // What a shell starts in the background ignores Ctrl+C, and so do its children.
        var start = new ProcessStartInfo(OperatingSystem.IsLinux() ? "env" : program, OperatingSystem.IsLinux() ? ["--default-signal=INT,QUIT", program] : [])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        _process = new() { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromSeconds(120) };

    public int Pid => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(params (string Key, string Value)[] environment)
    {
        var service = new ServiceProcess(environment);
        await service.ListensAsync();
        return service;
    }

    /// <summary>Waits until it listens.</summary>
    public async Task ListensAsync() =>
        Client.BaseAddress = await _address.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);

    /// <summary>Starts one that is expected to end by itself.</summary>
    public static ServiceProcess Start(params (string Key, string Value)[] environment) => new(environment);

    /// <summary>Sends a signal, such as <c>TERM</c>.</summary>
    public Task SignalAsync(string signal) => SignalAsync(signal, Pid);

    public static async Task SignalAsync(string signal, int pid)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{pid}"]);
        await kill.WaitForExitAsync(Cancel);
    }

    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(120), Cancel);
        return _process.ExitCode;
    }

    public Task UntilOutput(string text) => Eventually.BecomesAsync(() => Task.FromResult(Output), output => output.Contains(text, StringComparison.Ordinal), $"it writes '{text}'");

    /// <summary>Waits until a thread of the compute lane has burnt CPU. Linux only.</summary>
    public async Task UntilBusyAsync()
    {
        await Eventually.IsTrueAsync(() => Directory.GetDirectories($"/proc/{Pid}/task").Any(IsBusy));

        static bool IsBusy(string task)
        {
            // proc_pid_stat(5): the name is field 2, in parentheses, and user time field 14, in hundredths of a second.
            var stat = File.ReadAllText($"{task}/stat");
            return stat.Contains("(Compute lane", StringComparison.Ordinal) && stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[11] != "0";
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private void Read(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }

        if (line is not null && Listening().Match(line) is { Success: true } match)
        {
            _address.TrySetResult(new(match.Groups[1].Value));
        }
    }

    [GeneratedRegex("Now listening on: (http://[^ ]+)")]
    private static partial Regex Listening();
}
