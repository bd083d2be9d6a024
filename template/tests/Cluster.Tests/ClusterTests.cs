using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;

namespace InstanceNamespace.Cluster.Tests;

/// <summary>The system as its AppHost describes it, with two replicas, on the real Aspire.</summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private DistributedApplication? _app;

    /// <summary>Talks to the load balancer's public port, each request on a connection of its own.</summary>
    public HttpClient Service { get; } = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false });

    /// <summary>Talks to the port of the live page.</summary>
    public HttpClient Admin { get; } = new(new SocketsHttpHandler { UseProxy = false });

    public async ValueTask InitializeAsync()
    {
        var (port, adminPort) = (FreePort(), FreePort());
        (Service.BaseAddress, Admin.BaseAddress) = (new($"http://127.0.0.1:{port}"), new($"http://127.0.0.1:{adminPort}"));
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--replicas", "2", "--port", $"{port}", "--admin-port", $"{adminPort}"]);
        _app = await builder.BuildAsync();
        using var limit = new CancellationTokenSource(StartLimit);
        await _app.StartAsync(limit.Token);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("loadbalancer", limit.Token);
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Service.Dispose();
        Admin.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>Returns the process ids of both replicas once both are ready.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ReadyAsync(int except = 0)
    {
        for (var attempt = 0; attempt < 600; attempt++)
        {
            try
            {
                using var replicas = JsonDocument.Parse(await Admin.GetStringAsync("api/replicas"));
                var ready = replicas.RootElement.EnumerateArray().Where(replica => replica.GetProperty("state").GetString() is "ready" or "busy").ToDictionary(
                    replica => replica.GetProperty("name").GetString()!,
                    replica => replica.GetProperty("pid").GetInt32());
                if (ready.Count == 2 && !ready.ContainsValue(except))
                {
                    return ready;
                }
            }
            catch (HttpRequestException)
            {
                // It has not started yet.
            }

            await Task.Delay(100);
        }

        throw new TimeoutException("The replicas did not become ready within a minute.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

public sealed class ClusterTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    [Fact]
    public async Task EveryReplicaAnswersRequests()
    {
        var answered = new HashSet<string>();
        for (var request = 0; request < 100 && answered.Count < 2; request++)
        {
            using var response = await cluster.Service.GetAsync("/fast", TestContext.Current.CancellationToken);
            response.EnsureSuccessStatusCode();
            answered.Add(Assert.Single(response.Headers.GetValues("X-Replica")));
        }

        Assert.Equal(["replica-0", "replica-1"], answered.Order());
    }

    [Fact]
    public async Task LightRequestsAreAnsweredWhileEveryCoreIsBusy()
    {
        using var cancelled = new CancellationTokenSource();
        var heavy = Enumerable.Range(0, 2).Select(_ => cluster.Service.GetAsync("/slow?iterations=20000000000", cancelled.Token)).ToList();
        for (var request = 0; request < 20; request++)
        {
            Assert.Equal("fast\n", await cluster.Service.GetStringAsync("/fast", TestContext.Current.CancellationToken));
        }

        Assert.All(heavy, request => Assert.False(request.IsCompleted));
        await cancelled.CancelAsync();
        await Task.WhenAll(heavy.Select(request => request.ContinueWith(_ => { }, TaskScheduler.Default)));
    }

    [Fact]
    public async Task ADeadReplicaIsReplacedAndNoRequestIsLost()
    {
        var before = await cluster.ReadyAsync();
        using (var victim = Process.GetProcessById(before["replica-0"]))
        {
            victim.Kill();
        }

        for (var request = 0; request < 20; request++)
        {
            Assert.Equal("fast\n", await cluster.Service.GetStringAsync("/fast", TestContext.Current.CancellationToken));
        }

        var after = await cluster.ReadyAsync(except: before["replica-0"]);
        Assert.NotEqual(before["replica-0"], after["replica-0"]);
    }
}
