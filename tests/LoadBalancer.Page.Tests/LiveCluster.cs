using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace ClusterAspire.LoadBalancer.Page.Tests;

/// <summary>The real load balancer before two replicas of the real service, each a process, started in a foreign directory.</summary>
public sealed class LiveCluster : IAsyncLifetime
{
    private readonly int[] _ports = FreePort.Take(4);
    private readonly Dictionary<string, TestProcess> _processes = [];

    /// <summary>The replicas' names.</summary>
    public static IReadOnlyList<string> Replicas { get; } = ["replica-0", "replica-1"];

    /// <summary>What all processes are told besides.</summary>
    public Dictionary<string, string> Settings { get; } = new() { ["ASPNETCORE_ENVIRONMENT"] = "Development" };

    /// <summary>Takes the commands.</summary>
    public StandInRunner Runner { get; } = new();

    /// <summary>The public port.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>The admin port.</summary>
    public HttpClient Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Client = new() { BaseAddress = Url(_ports[2]) };
        Admin = new() { BaseAddress = Url(_ports[3]) };
        foreach (var replica in Replicas)
        {
            StartReplica(replica);
        }

        StartLoadBalancer();
        await Eventually.AnswersAsync(async () => (await Client.GetAsync("/fast")).IsSuccessStatusCode);
    }

    /// <summary>Starts the load balancer, again if it ran before.</summary>
    public void StartLoadBalancer()
    {
        var settings = new Dictionary<string, string>
        {
            ["Replica__Name"] = "loadbalancer",
            ["LoadBalancer__Url"] = Url(_ports[2]).ToString(),
            ["LoadBalancer__AdminUrl"] = Url(_ports[3]).ToString(),
            ["LoadBalancer__Control"] = Runner.Path,
        };
        foreach (var (replica, i) in Replicas.Select((replica, i) => (replica, i)))
        {
            settings[$"ReverseProxy__Clusters__service__Destinations__{replica}__Address"] = Url(_ports[i]).ToString();
        }

        Start("loadbalancer", "LoadBalancer", settings);
    }

    /// <summary>Starts a replica, again if it ran before.</summary>
    public void StartReplica(string name)
    {
        var i = Replicas.ToList().IndexOf(name);
        Start(name, "Service", new()
        {
            ["Replica__Name"] = name,
            ["Replica__Core"] = i.ToString(CultureInfo.InvariantCulture),
            ["DOTNET_PROCESSOR_COUNT"] = "1",
            ["ASPNETCORE_URLS"] = Url(_ports[i]).ToString(),
        });
    }

    /// <summary>Kills a replica or the load balancer as a crash would.</summary>
    public async Task KillAsync(string name)
    {
        _processes[name].Kill();
        await _processes[name].ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Admin.Dispose();
        await Runner.DisposeAsync();
        foreach (var process in _processes.Values)
        {
            await process.DisposeAsync();
        }
    }

    private void Start(string name, string project, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.Output(project)])
        {
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var (key, value) in environment.Concat(Settings))
        {
            start.Environment[key] = value;
        }

        _processes[name] = TestProcess.Start(start);
    }

    private static Uri Url(int port) => new($"http://127.0.0.1:{port}");
}
