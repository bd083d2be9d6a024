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

        service.Signal("TERM");
        Assert.Equal(0, await service.ExitAsync());
        Assert.StartsWith("300000000 iterations in ", await slow);
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("QUIT")]
    [InlineData("INT")]
    public async Task Whatever_ends_a_terminals_programs_drains(string signal)
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Delay", "600"));
        service.Signal(signal);
        await service.WritesAsync("Draining");
        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    [Fact]
    public async Task Requests_that_outlast_the_drain_are_given_up()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Timeout", "0.2"));
        var slow = service.Client.GetStringAsync(Longest, Cancel);
        await service.UntilBusyAsync();

        service.Signal("TERM");
        Assert.Equal(0, await service.ExitAsync());
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => slow);
        Assert.DoesNotContain("   at ", service.Text);
    }

    [Fact]
    public async Task While_it_drains_it_says_so_and_serves()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Delay", "600"), ("Replica__Name", "replica-0"));
        service.Signal("TERM");
        await service.WritesAsync("Draining");
        var health = await service.Client.GetAsync("/health", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.StartsWith("{\"status\":\"Draining\",\"name\":\"replica-0\"", await health.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        await using var service = await ServiceProcess.StartAsync(("Drain__Delay", "600"));
        service.Signal("TERM");
        await service.WritesAsync("Draining");
        // Sooner it would count as the same stop.
        await Task.Delay(1100, Cancel);
        service.Signal("TERM");
        Assert.Equal(143, await service.ExitAsync());
    }

    [Fact]
    public async Task Under_a_supervisor_ctrl_c_is_the_supervisors()
    {
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{Environment.ProcessId}"), ("Drain__Delay", "600"));
        foreach (var signal in (string[])["INT", "QUIT", "HUP"])
        {
            service.Signal(signal);
            Assert.Equal(HttpStatusCode.OK, (await service.Client.GetAsync("/health", Cancel)).StatusCode);
        }

        service.Signal("TERM");
        await service.WritesAsync("Draining");
    }

    [Fact]
    public async Task It_does_not_take_its_supervisor_for_gone_when_it_cannot_look()
    {
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{Environment.ProcessId}"));
        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));

        // It can open nothing, as when clients have taken every descriptor. It looks twice a second.
        LimitDescriptors(service.Pid, 1);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancel);
        Assert.False(service.HasExited);
        LimitDescriptors(service.Pid, 1000);

        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    private static void LimitDescriptors(int pid, int limit) => Assert.Equal(0, TestProcess.Run("prlimit", "--pid", $"{pid}", $"--nofile={limit}:").ExitCode);

    [Fact]
    public async Task It_ends_when_its_supervisor_is_killed()
    {
        await using var supervisor = TestProcess.Start("sleep", "600");
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{supervisor.Pid}"));
        Assert.False(service.HasExited);
        supervisor.Kill();
        Assert.Equal(1, await service.ExitAsync());
    }

    [Fact]
    public async Task It_ends_when_its_supervisor_is_killed_and_nobody_collects_it()
    {
        // The shell starts the supervisor and becomes a program that never waits for its children.
        await using var parent = TestProcess.Start("sh", "-c", "sleep 600 & echo $!; exec sleep 600");
        var supervisor = int.Parse(await parent.LineAsync(_ => true, "it writes the supervisor's id"));
        await using var service = await ServiceProcess.StartAsync(("Supervisor__Pid", $"{supervisor}"));
        TestProcess.Signal("KILL", supervisor);
        Assert.Equal(1, await service.ExitAsync());
    }

    [Fact]
    public async Task It_ends_when_its_supervisor_was_gone_before_it_started()
    {
        await using var supervisor = TestProcess.Start("true");
        await supervisor.ExitAsync();
        await using var service = ServiceProcess.Start(("Supervisor__Pid", $"{supervisor.Pid}"));
        Assert.Equal(1, await service.ExitAsync());
        Assert.Contains($"The supervisor (pid {supervisor.Pid}) is gone", service.Text);
    }

    [Fact]
    public async Task It_ends_when_the_process_that_started_it_is_killed()
    {
        await using var parent = TestProcess.Start(new ProcessStartInfo("sh", ["-c", $"'{ServiceProcess.Program}' & wait"])
        {
            Environment = { ["ASPNETCORE_URLS"] = "http://127.0.0.1:0", ["Supervisor__Parent"] = "true" },
        });
        await parent.WritesAsync("Now listening");

        parent.Kill();

        // Which it only does when nobody is left who could write to its output.
        await parent.ExitAsync();
    }
}
