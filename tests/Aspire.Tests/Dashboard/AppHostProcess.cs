using System.Diagnostics;
using System.Net.Http.Json;
using ClusterAspire.Contract;

namespace ClusterAspire.Aspire.Tests;

/// <summary>The real AppHost as a process, with the real dashboard, on ports of its own.</summary>
public class AppHostProcess : IAsyncLifetime
{
    private readonly HttpClient _admin = new();
    private TestProcess? _process;

    /// <summary>Talks to the balancer's public port.</summary>
    public HttpClient Client { get; } = new();

    /// <summary>Where the dashboard is.</summary>
    public Uri Dashboard { get; private set; } = null!;

    /// <summary>What it has written so far.</summary>
    public string Output => _process?.Text ?? "";

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
        var announcement = $"Service: http://127.0.0.1:{port}   Live page: http://127.0.0.1:{adminPort}";
        await _process.LineAsync(line => line.Contains(announcement, StringComparison.Ordinal), "it serves", StartLimit);
        await Eventually.IsTrueAsync(
            async () => (await ReplicasAsync()) is { Count: 2 } replicas && replicas.All(replica => replica.State is ReplicaState.Ready), "both replicas are ready");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _admin.Dispose();
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>How long it may take to serve.</summary>
    protected virtual TimeSpan StartLimit => TimeSpan.FromMinutes(3);

    /// <summary>How the load balancer sees the replicas.</summary>
    public async Task<IReadOnlyList<ReplicaStatus>> ReplicasAsync() =>
        await _admin.GetFromJsonAsync("api/replicas", ContractJson.Default.ReplicaStatusArray) ?? [];

    private TestProcess Start(IEnumerable<string> arguments) =>
        TestProcess.Start(new ProcessStartInfo("dotnet", [typeof(Projects.AppHost).Assembly.Location, .. arguments])
        {
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
        });
}
