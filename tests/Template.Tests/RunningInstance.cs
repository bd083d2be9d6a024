using System.Text.Json;

namespace ClusterAspire.Template.Tests;

/// <summary>An instance's AppHost with its dashboard, on ports of its own.</summary>
internal sealed class RunningInstance : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);
    private readonly TestProcess _process;

    private RunningInstance(TestProcess process) => _process = process;

    /// <summary>Talks to the balancer's public port.</summary>
    public HttpClient Service { get; } = new(new SocketsHttpHandler { UseProxy = false });

    /// <summary>Talks to the live page's port.</summary>
    public HttpClient Admin { get; } = new(new SocketsHttpHandler { UseProxy = false });

    /// <summary>Starts the built program of an AppHost's folder, and returns once its balancer answers a path.</summary>
    public static async Task<RunningInstance> StartAsync(string folder, string program, string path, params (string Key, string Value)[] environment)
    {
        var ports = FreePort.Take(5);
        // What dotnet run starts: a signal to that would not get here.
        var start = Workshop.Dotnet(folder, $"bin/Debug/net10.0/{program}.dll", "--replicas", "2", "--port", $"{ports[0]}", "--admin-port", $"{ports[1]}");
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports[2]}";
        start.Environment["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://127.0.0.1:{ports[3]}";
        start.Environment["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://127.0.0.1:{ports[4]}";
        start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
        var instance = new RunningInstance(TestProcess.Start(start))
        {
            Service = { BaseAddress = new($"http://127.0.0.1:{ports[0]}") },
            Admin = { BaseAddress = new($"http://127.0.0.1:{ports[1]}") },
        };
        try
        {
            await Eventually.AnswersAsync(() => instance.AnswersAsync(path), "it answers", StartLimit);
            return instance;
        }
        catch (Exception exception)
        {
            await instance.DisposeAsync();
            throw new InvalidOperationException($"The instance did not start: {instance._process.Text}", exception);
        }
    }

    /// <summary>The names of the replicas that are ready, as the balancer's API says.</summary>
    public async Task<IReadOnlyList<string>> ReadyReplicasAsync()
    {
        using var replicas = JsonDocument.Parse(await Admin.GetStringAsync("api/replicas", TestContext.Current.CancellationToken));
        return [.. replicas.RootElement.EnumerateArray().Where(replica => replica.GetProperty("state").GetString() is "ready" or "busy").Select(replica => replica.GetProperty("name").GetString()!)];
    }

    public async ValueTask DisposeAsync()
    {
        if (!OperatingSystem.IsWindows() && !_process.HasExited)
        {
            // Ctrl+C: it ends what it started.
            _process.Signal("INT");
            await Task.WhenAny(_process.ExitAsync(), Task.Delay(EndLimit));
        }

        await _process.DisposeAsync();
        Service.Dispose();
        Admin.Dispose();
    }

    private async Task<bool> AnswersAsync(string path)
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException("It has ended.");
        }

        using var response = await Service.GetAsync(path);
        return response.IsSuccessStatusCode;
    }
}
