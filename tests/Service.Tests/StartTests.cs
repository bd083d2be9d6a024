using System.Net;
using System.Net.Sockets;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Lane;

namespace ClusterAspire.Service.Tests;

public sealed class StartTests
{
    [Theory]
    [InlineData("ComputeLane__QueueLimit", "-1", "ComputeLane:QueueLimit must be 0 or more.")]
    [InlineData("ComputeLane__QueueLimit", "many", "ComputeLane:QueueLimit cannot be 'many': it must be a whole number.")]
    [InlineData("ComputeLane__Threads", "-1", "ComputeLane:Threads must be from 1 to 1024, or 0 for one per core.")]
    [InlineData("Drain__Timeout", "abc", "Drain:Timeout cannot be 'abc': it must be a number.")]
    [InlineData("Drain__Timeout", "-1", "Drain:Timeout must be from 0 to 3600 seconds.")]
    [InlineData("Drain__Delay", "NaN", "Drain:Delay must be from 0 to 3600 seconds.")]
    [InlineData("Replica__Core", "-2", "Replica:Core must be the number of a core, 0 or more.")]
    [InlineData("Replica__Name", "", "Replica:Name must not be empty: leave it out to use the machine's name.")]
    [InlineData("Supervisor__Pid", "0", "Supervisor:Pid must be the number of a process.")]
    [InlineData("Telemetry__Console", "maybe", "Telemetry:Console cannot be 'maybe': it must be true or false.")]
    [InlineData("ASPNETCORE_URLS", "here", "Cannot listen on here: an address looks like http://127.0.0.1:8080.")]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:99999", "Cannot listen on http://127.0.0.1:99999: a port is a number from 0 to 65535.")]
    [InlineData("ASPNETCORE_URLS", "https://127.0.0.1:0", "Cannot listen on https://127.0.0.1:0: this application speaks HTTP only, use an http:// address.")]
    public async Task A_wrong_option_is_explained_in_one_sentence(string key, string value, string sentence)
    {
        await using var service = ServiceProcess.Start((key, value));
        Assert.Equal(1, await service.ExitAsync());
        Assert.Equal(sentence, service.Text.Trim());
    }

    [Fact]
    public async Task Several_wrong_options_are_each_explained()
    {
        await using var service = ServiceProcess.Start(("Drain__Timeout", "-1"), ("Drain__Delay", "-1"), ("ComputeLane__Threads", "-1"));
        Assert.Equal(1, await service.ExitAsync());
        Assert.Equal(3, service.Text.Trim().Split('\n').Length);
    }

    [Fact]
    public async Task A_taken_port_is_explained_in_one_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var service = ServiceProcess.Start(("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"));
        Assert.Equal(1, await service.ExitAsync());
        Assert.Equal(
            $"Port {port} is already in use: stop the program that listens on http://127.0.0.1:{port}, or choose another port.",
            service.Text.Trim());
    }
}
