using System.Diagnostics;

namespace ClusterAspire.Service.Tests;

/// <summary>The real service as a process of its own, on a loopback port of its own.</summary>
internal sealed class ServiceProcess : TestProcess
{
    private const string Listening = "Now listening on: ";

    private ServiceProcess(ProcessStartInfo start)
        : base(start)
    {
    }

    /// <summary>The service's program.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "ClusterAspire.Service");

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromSeconds(120) };

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(params (string Key, string Value)[] environment)
    {
        var service = Start(environment);
        await service.ListensAsync();
        return service;
    }

    /// <summary>Waits until it listens.</summary>
    public async Task ListensAsync()
    {
        var line = await LineAsync(line => line.Contains(Listening, StringComparison.Ordinal), "it listens");
        Client.BaseAddress = new(line.Split(Listening)[1]);
    }

    /// <summary>Starts one that is expected to end by itself.</summary>
    public static ServiceProcess Start(params (string Key, string Value)[] environment)
    {
        // What a shell starts in the background ignores Ctrl+C, and so do its children.
        var start = OperatingSystem.IsLinux() ? new ProcessStartInfo("env", ["--default-signal=INT,QUIT", Program]) : new(Program);
        start.RedirectStandardInput = true;
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        return new(start);
    }

    /// <summary>Waits until a thread of the compute lane has burnt CPU. Linux only.</summary>
    public async Task UntilBusyAsync()
    {
        await Eventually.IsTrueAsync(() => ThreadFiles.Read(Pid, "stat").Any(IsBusy));

        static bool IsBusy(string stat)
        {
            // proc_pid_stat(5): the name is field 2, in parentheses, and user time field 14, in hundredths of a second.
            return stat.Contains("(Compute lane", StringComparison.Ordinal) && stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[11] != "0";
        }
    }

    public override ValueTask DisposeAsync()
    {
        Client.Dispose();
        return base.DisposeAsync();
    }
}
