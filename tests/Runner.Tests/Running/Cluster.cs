using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;

namespace ClusterAspire.Runner.Tests;

/// <summary>A cluster that the real Runner runs on ports of its own.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    // ClusterPlan multiplies the public port by 16 and takes the rest of 10 000.
    private const int DistinctReplicaPorts = 625;

    private static readonly ConcurrentDictionary<int, bool> ReplicaPorts = new();

    private readonly RuntimeUnderTest _runtime;

    private Cluster(RuntimeUnderTest runtime, RunnerProcess runner, int port, int adminPort)
    {
        _runtime = runtime;
        Runner = runner;
        Url = new($"http://127.0.0.1:{port}");
        Client = new() { BaseAddress = Url, Timeout = TimeSpan.FromMinutes(5) };
        Admin = new() { BaseAddress = new($"http://127.0.0.1:{adminPort}"), Timeout = TimeSpan.FromMinutes(1) };
    }

    public RunnerProcess Runner { get; }

    /// <summary>Where the service is.</summary>
    public Uri Url { get; }

    /// <summary>A client of the service.</summary>
    public HttpClient Client { get; }

    /// <summary>A client of the admin port.</summary>
    public HttpClient Admin { get; }

    /// <summary>The process id of the load balancer.</summary>
    public int LoadBalancer => Unix.Children(Runner.Pid).Single(child => Unix.CommandLine(child).Contains("ClusterAspire.LoadBalancer", StringComparison.Ordinal));

    /// <summary>Starts a cluster and waits until it serves.</summary>
    public static async Task<Cluster> StartAsync(RuntimeUnderTest runtime, int replicas, string[]? switches = null, params (string Name, string Value)[] environment)
    {
        var cluster = Begin(runtime, replicas, switches, environment);
        try
        {
            await cluster.Runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");
            await cluster.ReplicasAsync(all => all.Count == replicas && all.All(replica => replica.State is "ready"), "all replicas are ready");
            return cluster;
        }
        catch (Exception e)
        {
            await cluster.DisposeAsync();
            throw new InvalidOperationException($"The cluster did not start.{Environment.NewLine}{cluster.Runner}", e);
        }
    }

    /// <summary>Starts a cluster without waiting for anything.</summary>
    public static Cluster Begin(RuntimeUnderTest runtime, int replicas, string[]? switches = null, params (string Name, string Value)[] environment) =>
        BeginWithin([], runtime, replicas, switches, environment);

    /// <summary>Starts a cluster, without waiting for anything, by a command that changes its surroundings.</summary>
    public static Cluster BeginWithin(string[] surroundings, RuntimeUnderTest runtime, int replicas, string[]? switches = null, params (string Name, string Value)[] environment)
    {
        runtime.SkipWhereMissing();
        var (port, adminPort) = FreePorts();
        return new(
            runtime,
            RunnerProcess.StartWithin(surroundings, ["--runtime", runtime.Name, "--replicas", $"{replicas}", "--port", $"{port}", "--admin-port", $"{adminPort}", .. runtime.Switches, .. switches ?? []], environment),
            port,
            adminPort);
    }

    /// <summary>How the load balancer sees the replicas.</summary>
    public async Task<IReadOnlyList<Replica>> ReplicasAsync() =>
        (await Admin.GetFromJsonAsync<List<Replica>>("/api/replicas", TestContext.Current.CancellationToken))!;

    /// <summary>Waits until it serves with that many replicas, whatever it prints.</summary>
    public Task<IReadOnlyList<Replica>> ServesAsync(int replicas) => Eventually.BecomesAsync<IReadOnlyList<Replica>>(
        async () =>
        {
            try
            {
                return await ReplicasAsync();
            }
            catch (HttpRequestException)
            {
                return [];
            }
        },
        all => all.Count(replica => replica.State is "ready" or "busy") == replicas,
        $"{replicas} replicas serve");

    /// <summary>Waits until it sees them as wanted.</summary>
    public Task<IReadOnlyList<Replica>> ReplicasAsync(Predicate<IReadOnlyList<Replica>> wanted, string what) =>
        Eventually.BecomesAsync(ReplicasAsync, wanted, what);

    /// <summary>Waits until it sees one replica as wanted.</summary>
    public async Task<Replica> ReplicaAsync(string name, Predicate<Replica> wanted, string what)
    {
        var all = await ReplicasAsync(all => wanted(all.Single(replica => replica.Name == name)), $"{name}: {what}");
        return all.Single(replica => replica.Name == name);
    }

    /// <summary>Ends a replica without warning.</summary>
    public void Kill(Replica replica) => _runtime.Kill(replica);

    /// <summary>Stops a replica from doing anything, without ending it.</summary>
    public void Freeze(Replica replica) => _runtime.Freeze(replica);

    /// <summary>Asks for /fast, and says who answered.</summary>
    public async Task<string> FastAsync()
    {
        using var response = await Client.GetAsync("/fast", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return ReplicaOf(response);
    }

    /// <summary>Asks for /slow; the response, or what went wrong.</summary>
    public Task<HttpResponseMessage> SlowAsync(long iterations, CancellationToken cancellationToken = default) =>
        Client.GetAsync($"/slow?iterations={iterations}", cancellationToken);

    /// <summary>Who answered.</summary>
    public static string ReplicaOf(HttpResponseMessage response) => Assert.Single(response.Headers.GetValues("X-Replica"));

    public async ValueTask DisposeAsync()
    {
        await Runner.DisposeAsync();
        Client.Dispose();
        Admin.Dispose();
    }

    /// <summary>
    /// A public port and an admin port that nobody listens at. A cluster looks for its replicas' ports from one that depends on the public
    /// one: no two clusters of these tests, which may start at the same time, begin at the same.
    /// </summary>
    public static (int Port, int AdminPort) FreePorts()
    {
        var port = FreePort.Next();
        while (!ReplicaPorts.TryAdd(port % DistinctReplicaPorts, true))
        {
            // Throws when there are no more.
            port = FreePort.Next();
        }

        return (port, FreePort.Next());
    }
}
