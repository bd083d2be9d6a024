using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>The runner as a service of the machine.</summary>
public sealed class ServiceTests
{
    [Fact]
    public async Task Systemd_is_told_when_it_serves_that_it_lives_and_when_it_drains()
    {
        Requires.Linux();
        await using var cluster = new PlainCluster();
        cluster.Write(new { }, new { replicas = 1, log = "json" });
        var path = Path.Combine(cluster.Folder, "notify.sock");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        // In another folder, without a home, with nothing to read.
        await using var runner = RunnerProcess.StartWithin(
            ["sh", "-c", "cd / && exec setsid \"$@\" < /dev/null", "sh"],
            ["run", "--config", Path.Combine(cluster.Folder, "clusteraspire.json")],
            cluster.RuntimeDirectory, ("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "1000000"), ("HOME", "/nonexistent"), ("LANG", "tr_TR.UTF-8"), ("TZ", "Asia/Kathmandu"), ("HTTP_PROXY", "http://127.0.0.1:9"));

        await HearsAsync(socket, "READY=1");
        await HearsAsync(socket, "WATCHDOG=1");
        Assert.Equal("", await cluster.GetAsync("/environment/NOTIFY_SOCKET"));

        runner.Signal(Unix.SigTerm);
        await HearsAsync(socket, "STOPPING=1");
        Assert.Equal(0, await runner.ExitAsync());
        Assert.All(runner.Output, line =>
        {
            var entry = JsonElement.Parse(line);
            Assert.NotEmpty(entry.GetProperty("source").GetString()!);
            Assert.True(entry.GetProperty("time").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        });
        Assert.Contains(runner.Output, line => line.Contains("\"source\":\"replica-0\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_unit_is_one_that_systemd_understands()
    {
        Requires.Linux();
        Requires.That(Engine.IsInstalled("systemd-analyze", "--version"), "systemd is not installed.");
        await using var cluster = new PlainCluster();
        cluster.Write(new { }, new { name = "shop", listen = "http://*:80" });

        var (exitCode, publish) = await cluster.TellAsync("publish", "systemd", "--config", Path.Combine(cluster.Folder, "clusteraspire.json"), "--output", cluster.Folder);

        Assert.True(exitCode is 0, $"{publish}");
        var unit = Path.Combine(cluster.Folder, "shop.service");
        var verified = TestProcess.Run("systemd-analyze", "verify", "--man=no", unit);
        Assert.True(verified is { ExitCode: 0, Errors: "" }, verified.Errors);
        var text = await File.ReadAllTextAsync(unit, TestContext.Current.CancellationToken);
        Assert.Contains("AmbientCapabilities=CAP_NET_BIND_SERVICE\n", text, StringComparison.Ordinal);
        Assert.Contains($"run --config \"{Path.Combine(cluster.Folder, "clusteraspire.json")}\"\n", text, StringComparison.Ordinal);
    }

    private static async Task HearsAsync(Socket socket, string state)
    {
        var buffer = new byte[256];
        using var limit = new CancellationTokenSource(Eventually.Limit);
        string heard;
        do
        {
            heard = Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, limit.Token));
        }
        while (heard != state);
    }
}
