using System.Text;
using System.Text.Json;
using ClusterAspire.Tests;
using CliWrap;

namespace ClusterAspire.Template.Tests;

/// <summary>An instance's AppHost with its dashboard, on ports of its own.</summary>
internal sealed class RunningInstance : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationTokenSource _kill = new();
    private readonly StringBuilder _output = new();
    private Task _running = Task.CompletedTask;

    private RunningInstance()
    {
    }

    /// <summary>Talks to the balancer's public port.</summary>
    public HttpClient Service { get; } = new(new SocketsHttpHandler { UseProxy = false });

    /// <summary>Talks to the live page's port.</summary>
    public HttpClient Admin { get; } = new(new SocketsHttpHandler { UseProxy = false });

    /// <summary>Starts the built program of an AppHost's folder, and returns once its balancer answers a path.</summary>
    public static async Task<RunningInstance> StartAsync(string folder, string program, string path, params (string Key, string Value)[] environment)
    {
        var instance = new RunningInstance();
        var ports = FreePort.Take(5);
        (instance.Service.BaseAddress, instance.Admin.BaseAddress) = (new($"http://127.0.0.1:{ports[0]}"), new($"http://127.0.0.1:{ports[1]}"));
        instance._running = Workshop
            // What dotnet run starts: a signal to that would not get here.
            .Dotnet(folder, $"bin/Debug/net10.0/{program}.dll", "--replicas", "2", "--port", $"{ports[0]}", "--admin-port", $"{ports[1]}")
            .WithEnvironmentVariables(variables => environment.Aggregate(variables, (all, variable) => all.Set(variable.Key, variable.Value))
                .Set("DOTNET_ENVIRONMENT", "Development")
                .Set("ASPNETCORE_URLS", $"http://127.0.0.1:{ports[2]}")
                .Set("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", $"http://127.0.0.1:{ports[3]}")
                .Set("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", $"http://127.0.0.1:{ports[4]}")
                .Set("ASPIRE_ALLOW_UNSECURED_TRANSPORT", "true"))
            .WithStandardOutputPipe(PipeTarget.ToDelegate(instance.Write))
            .WithStandardErrorPipe(PipeTarget.ToDelegate(instance.Write))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(instance._kill.Token, instance._end.Token);
        try
        {
            for (var limit = DateTime.UtcNow + StartLimit; !await instance.AnswersAsync(path); await Task.Delay(100))
            {
                if (DateTime.UtcNow > limit)
                {
                    throw new TimeoutException("It has not answered in time.");
                }
            }

            return instance;
        }
        catch (Exception exception)
        {
            await instance.DisposeAsync();
            throw new InvalidOperationException($"The instance did not start: {instance.Output}", exception);
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
        // Ctrl+C: it ends what it started.
        await _end.CancelAsync();
        await Task.WhenAny(_running, Task.Delay(EndLimit));
        await _kill.CancelAsync();
        Service.Dispose();
        Admin.Dispose();
        _end.Dispose();
        _kill.Dispose();
    }

    private string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    private void Write(string line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }

    private async Task<bool> AnswersAsync(string path)
    {
        if (_running.IsCompleted)
        {
            throw new InvalidOperationException($"It has ended. {Output}");
        }

        try
        {
            using var response = await Service.GetAsync(path);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
