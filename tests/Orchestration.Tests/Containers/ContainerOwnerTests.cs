using System.Diagnostics;
using ClusterAspire.Orchestration.Containers;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class ContainerOwnerTests
{
    [Fact]
    public void This_process_is_alive_and_its_label_can_be_read_back()
    {
        var owner = ContainerOwner.Current;

        Assert.Equal(owner, ContainerOwner.Parse($"{owner}"));
        Assert.True(owner.IsAlive());
    }

    [Fact]
    public async Task A_process_that_has_ended_is_not_alive()
    {
        await using var ended = TestProcess.Start("dotnet", "--version");
        await ended.ExitAsync();

        Assert.False((ContainerOwner.Current with { Pid = ended.Pid }).IsAlive());
    }

    [Fact]
    public void A_process_that_got_the_id_of_an_earlier_one_is_another() =>
        Assert.False((ContainerOwner.Current with { StartedAt = ContainerOwner.Current.StartedAt - 3600 }).IsAlive());

    [Fact]
    public void Nothing_is_known_of_other_machines_so_their_containers_stay() =>
        Assert.True(new ContainerOwner("another", 1, 0).IsAlive());

    [Fact]
    public void Neither_a_changed_clock_nor_another_name_of_the_machine_makes_it_somebody_else()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere neither is known.");

        // Clock ticks since boot, which no clock changes; hardly a date.
        Assert.InRange(ContainerOwner.Current.StartedAt, 0, Environment.TickCount64 / 10);
        Assert.SkipUnless(File.Exists("/etc/machine-id"), "This machine has no id.");
        Assert.NotEqual(Environment.MachineName, ContainerOwner.Current.Machine);
    }

    [Theory]
    [InlineData("")]
    [InlineData("machine/pid/1")]
    [InlineData("machine/1")]
    public void Nonsense_names_no_owner(string label) => Assert.Null(ContainerOwner.Parse(label));
}
