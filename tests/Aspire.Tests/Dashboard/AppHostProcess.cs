using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using ClusterAspire.Contract;

namespace ClusterAspire.Aspire.Tests;

/// <summary>The real AppHost as a process, with the real dashboard, on ports of its own.</summary>
public class AppHostProcess : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _output = new();
    private readonly HttpClient _admin = new();
    private Process? _process;

    /// <summary>Talks to the balancer's public port.</summary>
    public HttpClient Client { get; } = new();

    /// <summary>Where the dashboard is.</summary>
    public Uri Dashboard { get; private set; } = null!;

    /// <summary>What it has written so far.</summary>
    public string Output => string.Join(Environment.NewLine, _output);

    /// <summary>Switches besides those for its ports.</summary>
    protected virtual string[] Switches => ["--replicas", "2"];

    /// <summary>What its tests need and this machine lacks, or null.</summary>
    public virtual string? Missing => null;

    public async ValueTask InitializeAsync()
    {
        if (Missing is not null)
        {
            return;
        }

        var (port, adminPort) = (FreePort.Next(), FreePort.Next());
        Dashboard = new($"http://127.0.0.1:{FreePort.Next()}");
        (Client.BaseAddress, _admin.BaseAddress) = (new($"http://127.0.0.1:{port}"), new($"http://127.0.0.1:{adminPort}"));
        _process = Start([.. Switches, "--port", $"{port}", "--admin-port", $"{adminPort}"]);
        await ServesAsync($"Service: http://127.0.0.1:{port}   Live page: http://127.0.0.1:{adminPort}");
        await Eventually.IsTrueAsync(
            async () => (await ReplicasAsync()) is { Count: 2 } replicas && replicas.All(replica => replica.State is ReplicaState.Ready), "both replicas are ready");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _admin.Dispose();
        if (_process is { HasExited: false })
        {
            // Its children notice that it is gone.
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>How long it may take to serve.</summary>
    protected virtual TimeSpan StartLimit => TimeSpan.FromMinutes(3);

    private async Task ServesAsync(string announcement)
    {
        for (var limit = DateTime.UtcNow + StartLimit; !_output.Any(line => line.Contains(announcement, StringComparison.Ordinal)); await Task.Delay(100))
        {
            if (_process!.HasExited || DateTime.UtcNow > limit)
            {
                throw new InvalidOperationException($"It does not serve.{Environment.NewLine}{Output}");
            }
        }
    }

    /// <summary>How the load balancer sees the replicas.</summary>
    public async Task<IReadOnlyList<ReplicaStatus>> ReplicasAsync() =>
        await _admin.GetFromJsonAsync("api/replicas", ContractJson.Default.ReplicaStatusArray) ?? [];

    private Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Projects.AppHost).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                // What Properties/launchSettings.json says, on other ports and without a login.
                ["DOTNET_ENVIRONMENT"] = "Development",
                ["ASPNETCORE_URLS"] = $"{Dashboard}",
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://127.0.0.1:{FreePort.Next()}",
                ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://127.0.0.1:{FreePort.Next()}",
                ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
                ["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] = "true",
                // A tunnel would need an image of Microsoft's.
                ["ASPIRE_ENABLE_CONTAINER_TUNNEL"] = "false",
            },
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
