using System.Diagnostics;
using System.Net;

namespace ClusterAspire.Service.Tests;

public sealed class StopTests
{
    private const string Longest = "/slow?iterations=20000000000";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public StopTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Sends signals and reads /proc.");

    [Fact]
    public async Task On_sigterm_requests_in_flight_are_finished_and_the_exit_code_is_0()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Timeout", "600"));
        var slow = service.Client.GetStringAsync("/slow?iterations=300000000", Cancel);
        await service.UntilBusyAsync();

        await service.SignalAsync("TERM");
        Assert.Equal(0, await service.ExitCodeAsync());
        Assert.StartsWith("300000000 iterations in ", await slow);
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("QUIT")]
    [InlineData("INT")]
    public async Task Whatever_ends_a_terminals_programs_drains(string signal)
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Delay", "600"));
        await service.SignalAsync(signal);
        await service.UntilOutput("Draining");
        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    [Fact]
    public async Task Requests_that_outlast_the_drain_are_given_up()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Timeout", "0.2"));
        var slow = service.Client.GetStringAsync(Longest, Cancel);
        await service.UntilBusyAsync();

        await service.SignalAsync("TERM");
        Assert.Equal(0, await service.ExitCodeAsync());
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => slow);
        Assert.DoesNotContain("   at ", service.Output);
    }

    [Fact]
    public async Task While_it_drains_it_says_so_and_serves()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Delay", "600"), ("Replica__Name", "replica-0"));
        await service.SignalAsync("TERM");
        await service.UntilOutput("Draining");
        var health = await service.Client.GetAsync("/health", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.StartsWith("{\"status\":\"Draining\",\"name\":\"replica-0\"", await health.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Delay", "600"));
        await service.SignalAsync("TERM");
        await service.UntilOutput("Draining");
        // Sooner it would count as the same stop.
        await Task.Delay(1100, Cancel);
        await service.SignalAsync("TERM");
        Assert.Equal(143, await service.ExitCodeAsync());
    }

    [Fact]
    public async Task Under_a_supervisor_ctrl_c_is_the_supervisors()
    {
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{Environment.ProcessId}"), ("Drain__Delay", "600"));
        foreach (var signal in (string[])["INT", "QUIT", "HUP"])
        {
            await service.SignalAsync(signal);
            Assert.Equal(HttpStatusCode.OK, (await service.Client.GetAsync("/health", Cancel)).StatusCode);
        }

        await service.SignalAsync("TERM");
        await service.UntilOutput("Draining");
    }

    [Fact]
    public async Task It_does_not_take_its_supervisor_for_gone_when_it_cannot_look()
    {
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{Environment.ProcessId}"));
        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));

        // It can open nothing, as when clients have taken every descriptor. It looks twice a second.
        await LimitDescriptorsAsync(service.Pid, 1);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancel);
        Assert.False(service.HasExited);
        await LimitDescriptorsAsync(service.Pid, 1000);

        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    private static async Task LimitDescriptorsAsync(int pid, int limit)
    {
        using var prlimit = Process.Start("prlimit", ["--pid", $"{pid}", $"--nofile={limit}:"]);
        await prlimit.WaitForExitAsync(Cancel);
        Assert.Equal(0, prlimit.ExitCode);
    }

    [Fact]
    public async Task It_ends_when_its_supervisor_is_killed()
    {
        using var supervisor = Process.Start("sleep", ["600"]);
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{supervisor.Id}"));
        Assert.False(service.HasExited);
        supervisor.Kill();
        Assert.Equal(1, await service.ExitCodeAsync());
    }

    [Fact]
    public async Task It_ends_when_its_supervisor_is_killed_and_nobody_collects_it()
    {
        // The shell starts the supervisor and becomes a program that never waits for its children.
        using var parent = Process.Start(new ProcessStartInfo("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"]) { RedirectStandardOutput = true })!;
        try
        {
            var supervisor = int.Parse((await parent.StandardOutput.ReadLineAsync(Cancel))!);
            await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{supervisor}"));
            await ServiceProcess.SignalAsync("KILL", supervisor);
            Assert.Equal(1, await service.ExitCodeAsync());
        }
        finally
        {
            parent.Kill();
        }
    }

    [Fact]
    public async Task It_ends_when_its_supervisor_was_gone_before_it_started()
    {
        using var supervisor = Process.Start("true");
        await supervisor.WaitForExitAsync(Cancel);
        await using var service = ServiceProcess.Start(("Supervisor__Pid", $"{supervisor.Id}"));
        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains($"The supervisor (pid {supervisor.Id}) is gone", service.Output);
    }

    [Fact]
    public async Task It_ends_when_the_process_that_started_it_is_killed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There dotnet run takes its children along by itself.");
        var service = Path.Combine(AppContext.BaseDirectory, "ClusterAspire.Service");
        var start = new ProcessStartInfo("sh", ["-c", $"'{service}' & wait"]) { RedirectStandardOutput = true };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["Supervisor__Parent"] = "true";
        using var parent = Process.Start(start)!;
        while (await parent.StandardOutput.ReadLineAsync(Cancel) is { } line && !line.Contains("Now listening", StringComparison.Ordinal))
        {
            // Starting.
        }

        parent.Kill();

        // Which only happens when nobody is left who could write to it.
        await parent.StandardOutput.ReadToEndAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
    }
}
