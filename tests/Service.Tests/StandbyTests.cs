using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Supervision;

namespace ClusterAspire.Service.Tests;

public sealed class StandbyTests
{
    private static readonly (string, string) Waits = ("Supervisor__Standby", "true");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_serves_once_it_is_told_to_and_not_before()
    {
        await using var service = ServiceProcess.Start(Waits);
        await UntilItWaitsAsync(service);
        Assert.Equal("", service.Text);

        await service.Input.WriteLineAsync("serve");
        await service.ListensAsync();

        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
    }

    [Fact]
    public async Task It_does_not_outlive_who_would_tell_it()
    {
        await using var service = ServiceProcess.Start(Waits);

        service.Input.Close();

        Assert.Equal(1, await service.ExitAsync());
        Assert.StartsWith("Standard input has ended", service.Text.Trim());
    }

    [Fact]
    public async Task It_can_be_told_to_stop_while_it_waits()
    {
        await using var service = ServiceProcess.Start(Waits);
        await UntilItWaitsAsync(service);

        service.Signal("TERM");

        Assert.Equal(0, await service.ExitAsync());
        Assert.DoesNotContain("   at ", service.Text);
    }

    [Fact]
    public async Task What_is_wrong_with_its_options_is_said_before_it_waits()
    {
        await using var service = ServiceProcess.Start(Waits, ("Drain__Timeout", "-1"));

        Assert.Equal(1, await service.ExitAsync());
        Assert.Equal("Drain:Timeout must be from 0 to 3600 seconds.", service.Text.Trim());
    }

    private static async Task UntilItWaitsAsync(ServiceProcess service)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for the thread that waits in /proc.");
        await Eventually.IsTrueAsync(() => ThreadFiles.Read(service.Pid, "comm").Any(name => name.Trim() is "Standby"));
    }
}
