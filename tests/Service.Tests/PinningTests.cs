namespace ClusterAspire.Service.Tests;

/// <summary>A replica that pins itself, because its orchestrator does not.</summary>
public sealed class PinningTests
{
    [Fact]
    public async Task All_threads_are_on_the_core_of_a_replica_that_pins_itself()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The test reads /proc.");
        var core = CoresOfThreads(Environment.ProcessId)[0].Split('-', ',')[^1];
        await using var service = await ServiceProcess.StartAsync(("Replica__Core", core), ("Replica__Pin", "true"), ("DOTNET_PROCESSOR_COUNT", "1"));

        // Which starts a thread or two more.
        await service.Client.GetStringAsync("slow?iterations=1000", TestContext.Current.CancellationToken);

        Assert.All(CoresOfThreads(service.Pid), cores => Assert.Equal(core, cores));
    }

    [Fact]
    public async Task A_core_that_there_is_not_is_said_in_one_sentence()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere the number means something else.");
        await using var service = ServiceProcess.Start(("Replica__Core", "1000"), ("Replica__Pin", "true"));

        Assert.Equal(1, await service.ExitAsync());
        Assert.StartsWith("Replica:Core 1000 is no core that this process may use", service.Text.Trim());
        Assert.Single(service.Text.Trim().Split('\n'));
    }

    private static IReadOnlyList<string> CoresOfThreads(int pid) => ThreadFiles.Status(pid, "Cpus_allowed_list");
}
