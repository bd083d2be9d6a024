using System.Net;
using System.Net.Sockets;
using ClusterAspire.Orchestration.Plan;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class MachineTests
{
    [Theory]
    [InlineData("\t0\n", new[] { 0 })]
    [InlineData("0-3", new[] { 0, 1, 2, 3 })]
    [InlineData("1,4-5,63", new[] { 1, 4, 5, 63 })]
    public void Core_lists_are_read_as_Linux_writes_them(string list, int[] cores) =>
        Assert.Equal(cores, Machine.ParseCores(list));

    [Fact]
    public void This_machine_has_cores_for_its_processors()
    {
        Assert.Equal(Environment.ProcessorCount, Machine.Current.Processors);
        Assert.NotEmpty(Machine.Current.Cores);
        Assert.Distinct(Machine.Current.Cores);
    }

    [Fact]
    public void A_port_somebody_listens_at_is_not_free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        Assert.False(Machine.Current.IsFree(((IPEndPoint)listener.LocalEndpoint).Port));
    }

    [Fact]
    public void A_port_taken_on_all_addresses_is_not_free()
    {
        Assert.SkipWhen(OperatingSystem.IsMacOS(), "macOS lets a listener at one address share a port with a listener at all.");
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();

        Assert.False(Machine.Current.IsFree(((IPEndPoint)listener.LocalEndpoint).Port));
    }
}
