using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using ClusterAspire.Contract;
using Microsoft.Extensions.DependencyInjection;


namespace ClusterAspire.Aspire.Tests;

/// <summary>The real AppHost with two replicas on the real Aspire, without its dashboard, and a second service beside it.</summary>
public sealed class AspireCluster : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly HttpClient _admin = new();
    private DistributedApplication? _app;

    /// <summary>Talks to the balancer's public port, each request on a connection of its own.</summary>
    public HttpClient Client { get; } = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });

    public ResourceNotificationService States => _app!.ResourceNotifications;

    /// <summary>Whether the second service's replica waited for what it was told to wait for.</summary>
    public bool Waited { get; private set; }

    /// <summary>Talks to the second balancer's public port.</summary>
    public HttpClient Orders { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var (port, adminPort, ordersPort) = (FreePort.Next(), FreePort.Next(), FreePort.Next());
        Client.BaseAddress = new($"http://127.0.0.1:{port}");
        _admin.BaseAddress = new($"http://127.0.0.1:{adminPort}");
        Orders.BaseAddress = new($"http://127.0.0.1:{ordersPort}");
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--replicas", "2", "--port", $"{port}", "--admin-port", $"{adminPort}", "--drain-timeout=12"]);

        // A second service beside the AppHost's own, of which more is said.
        builder.Configuration["Parameters:currency"] = "EUR";
        builder.Configuration["ConnectionStrings:ledger"] = "Host=ledger";
        var gate = builder.AddResource(new Gate("gate"));
        var orders = builder.AddReplicatedProject<ServiceProject>("orders")
            .WithEnvironment("CURRENCY", builder.AddParameter("currency"))
            .WithReference(builder.AddConnectionString("ledger"))
            .WithArgs("--Orders:Region", "north")
            .WithHttpHealthCheck("/fast")
            .WaitFor(gate);
        builder.AddLoadBalancer<LoadBalancerProject>("orders-balancer", ordersPort, FreePort.Next()).WithReference(orders).WaitFor(orders);
        builder.AddExecutable("caller", "sleep", ".", "600").WithReference(orders);

        _app = await builder.BuildAsync();
        try
        {
            await StartAsync(_app, gate);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Aspire did not start: {Describe(_app)}", exception);
        }
    }

    private async Task StartAsync(DistributedApplication app, IResourceBuilder<Gate> gate)
    {
        using var limit = new CancellationTokenSource(Patience);
        // Ends when everything has started, what waits for the gate too.
        var starting = app.StartAsync(limit.Token);
        var opening = OpenAsync(gate, limit.Token);
        await await Task.WhenAny(starting, opening);
        await opening;
        await starting;
        await States.WaitForResourceHealthyAsync("orders-balancer", WaitBehavior.WaitOnResourceUnavailable, limit.Token);
    }

    private async Task OpenAsync(IResourceBuilder<Gate> gate, CancellationToken limit)
    {
        await States.WaitForResourceHealthyAsync("loadbalancer", WaitBehavior.WaitOnResourceUnavailable, limit);
        await UntilReadyAsync("replica-0", "replica-1");
        Waited = State("orders-replica-0").State?.Text == KnownResourceStates.Waiting;
        await States.PublishUpdateAsync(gate.Resource, last => last with { State = KnownResourceStates.Running });
    }

    private static string Describe(DistributedApplication app) => string.Join("; ", app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Select(resource =>
        app.ResourceNotifications.TryGetCurrentState(resource.Name, out var last) ? $"{resource.Name} {last.Snapshot.State?.Text} {last.Snapshot.HealthStatus}" : $"{resource.Name} unknown"));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Orders.Dispose();
        _admin.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>Whether the balancer is there.</summary>
    public async Task<bool> AnswersAsync()
    {
        try
        {
            using var response = await _admin.GetAsync("api/replicas");
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>What the balancer knows of a replica.</summary>
    public async Task<ReplicaStatus> ReplicaAsync(string name) =>
        (await _admin.GetFromJsonAsync("api/replicas", ContractJson.Default.ReplicaStatusArray))!.Single(replica => replica.Name == name);

    public Task UntilReadyAsync(params string[] names) => Eventually.IsTrueAsync(
        async () =>
        {
            foreach (var name in names)
            {
                if ((await ReplicaAsync(name)).State is not (ReplicaState.Ready or ReplicaState.Busy))
                {
                    return false;
                }
            }

            return true;
        },
        $"{string.Join(" and ", names)} ready");

    /// <summary>Does what a command of the dashboard does.</summary>
    public async Task ExecuteAsync(string resource, string command, params (string Name, string Value)[] arguments)
    {
        var result = await _app!.ResourceCommands.ExecuteCommandAsync(
            Resource(resource),
            command,
            new InteractionInputCollection(
                [.. arguments.Select(argument => new InteractionInput { Name = argument.Name, InputType = InputType.Text, Value = argument.Value })]));
        Assert.True(result.Success, result.Message);
    }

    public CustomResourceSnapshot State(string resource) =>
        States.TryGetCurrentState(resource, out var last) ? last.Snapshot : throw new InvalidOperationException($"{resource} has no state.");

    /// <summary>The process that the dashboard shows: the <c>dotnet run</c> around a project.</summary>
    public int? Pid(string resource) =>
        (int?)State(resource).Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value;

    public bool IsStopped(string resource) => KnownResourceStates.TerminalStates.Contains(State(resource).State?.Text);

    /// <summary>The processes of the resources whose names begin so, as the operating system knows them.</summary>
    public IReadOnlyList<(IReadOnlyList<string> Environment, string CommandLine)> Started(string names) =>
    [
        .. from resource in _app!.Services.GetRequiredService<DistributedApplicationModel>().Resources
           where resource.Name.StartsWith(names, StringComparison.Ordinal)
           let pid = Pid(resource.Name)
           where pid is not null && Directory.Exists($"/proc/{pid}")
           select ((IReadOnlyList<string>)Read(pid.Value, "environ"), string.Join(' ', Read(pid.Value, "cmdline"))),
    ];

    private static string[] Read(int pid, string file) => File.ReadAllText($"/proc/{pid}/{file}").Split('\0');

    /// <summary>Sends GETs all the while; returns how many were not answered with 200.</summary>
    public async Task<int> FailuresDuringAsync(Func<Task> events)
    {
        using var end = new CancellationTokenSource();
        var requests = Task.Run(async () =>
        {
            var failures = 0;
            while (!end.IsCancellationRequested)
            {
                try
                {
                    using var response = await Client.GetAsync("fast", CancellationToken.None);
                    failures += response.StatusCode is HttpStatusCode.OK ? 0 : 1;
                }
                catch (HttpRequestException)
                {
                    failures++;
                }
            }

            return failures;
        });
        try
        {
            await events();
        }
        finally
        {
            await end.CancelAsync();
        }

        return await requests;
    }

    private IResource Resource(string name) =>
        States.TryGetCurrentState(name, out var last) ? last.Resource : throw new InvalidOperationException($"There is no resource {name}.");

    private sealed class Gate(string name) : Resource(name);

    private sealed class ServiceProject : IProjectMetadata
    {
        public string ProjectPath => new Projects.Service().ProjectPath;
    }

    private sealed class LoadBalancerProject : IProjectMetadata
    {
        public string ProjectPath => new Projects.LoadBalancer().ProjectPath;
    }
}
