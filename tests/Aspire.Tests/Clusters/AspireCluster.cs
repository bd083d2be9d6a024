using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using ClusterAspire.Contract;


namespace ClusterAspire.Aspire.Tests;

/// <summary>The real AppHost with two replicas on the real Aspire, without its dashboard.</summary>
public sealed class AspireCluster : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly HttpClient _admin = new();
    private DistributedApplication? _app;

    /// <summary>Talks to the balancer's public port, each request on a connection of its own.</summary>
    public HttpClient Client { get; } = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });

    public ResourceNotificationService States => _app!.ResourceNotifications;

    public async ValueTask InitializeAsync()
    {
        var (port, adminPort) = (FreePort.Next(), FreePort.Next());
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--orchestrator", "aspire", "--runtime", "process", "--replicas", "2", "--port", $"{port}", "--admin-port", $"{adminPort}"]);
        Client.BaseAddress = new($"http://127.0.0.1:{port}");
        _admin.BaseAddress = new($"http://127.0.0.1:{adminPort}");

        _app = await builder.BuildAsync();
        await _app.StartAsync().WaitAsync(Patience);
        using var limit = new CancellationTokenSource(Patience);
        await States.WaitForResourceHealthyAsync("loadbalancer", WaitBehavior.WaitOnResourceUnavailable, limit.Token);
        await UntilReadyAsync("replica-0", "replica-1");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
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
        (await _admin.GetFromJsonAsync<List<ReplicaStatus>>("api/replicas"))!.Single(replica => replica.Name == name);

    public Task UntilReadyAsync(params string[] names) => Eventually.IsTrueAsync(
        async () =>
        {
            foreach (var name in names)
            {
                if ((await ReplicaAsync(name)).State is not ("ready" or "busy"))
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

    /// <summary>What <c>/api/replicas</c> says of one.</summary>
    public sealed record ReplicaStatus(string Name, Uri Address, int? Core, int? Pid, string State);
}
