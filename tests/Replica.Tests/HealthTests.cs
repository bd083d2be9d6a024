using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ClusterAspire.Contract;
using ClusterAspire.Replica.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClusterAspire.Replica.Tests;

public sealed class HealthTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_says_who_the_replica_is()
    {
        var before = DateTimeOffset.UtcNow;
        await using var app = await TestApplication.StartAsync(
            app => app.MapReplica(),
            new() { ["Replica:Name"] = "replica-3", ["Replica:Core"] = "1" });
        var response = await app.Client.GetAsync("/health", Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);

        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancel));
        var fields = body.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value);
        Assert.Equal(["status", "name", "pid", "container", "core", "cores", "startedAt", "computeRoutes", "lane", "link", "keptOfClients"], fields.Keys);
        Assert.Equal("Healthy", fields["status"].GetString());
        Assert.Equal("replica-3", fields["name"].GetString());
        Assert.Equal(Environment.ProcessId, fields["pid"].GetInt32());
        Assert.Equal(1, fields["core"].GetInt32());
        Assert.Equal(Environment.ProcessorCount, fields["cores"].GetInt32());
        Assert.Equal(TimeSpan.Zero, fields["startedAt"].GetDateTimeOffset().Offset);
        Assert.True(fields["startedAt"].GetDateTimeOffset() <= before);
    }

    [Fact]
    public async Task Health_says_what_is_kept_of_clients()
    {
        Assert.Null(await KeptAsync(_ => { }));
        Assert.Equal(["sessions"], await KeptAsync(services => services.AddDistributedMemoryCache().AddSession()));
        Assert.Equal(["SignalR's connections"], await KeptAsync(services => services.AddSignalR()));
        // That one may be shared.
        Assert.Null(await KeptAsync(services => services.AddSession().AddSingleton<IDistributedCache>(new SharedCache())));
        // They are the application's own matter, which a probe does not make fail.
        Assert.Null(await KeptAsync(services => services.AddSession().AddScoped<IDistributedCache>(_ => throw new InvalidOperationException())));
    }

    [Fact]
    public async Task Without_a_name_and_a_core_it_is_the_machine_and_nowhere_in_particular()
    {
        await using var app = await TestApplication.StartAsync(app => app.MapReplica());
        using var body = JsonDocument.Parse(await app.Client.GetStringAsync("/health", Cancel));
        Assert.Equal(Environment.MachineName, body.RootElement.GetProperty("name").GetString());
        Assert.Equal(JsonValueKind.Null, body.RootElement.GetProperty("core").ValueKind);
        Assert.Equal(Environment.MachineName, app.Get<ReplicaIdentity>().Name);
    }

    [Fact]
    public async Task A_failing_health_check_makes_it_unhealthy_and_leaves_it_alive()
    {
        await using var app = await TestApplication.StartAsync(
            app => app.MapReplica(),
            build: builder => builder.Services.AddHealthChecks().AddCheck("database", () => HealthCheckResult.Unhealthy()));
        var response = await app.Client.GetAsync("/health", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("\"status\":\"Unhealthy\",\"name\":", await response.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("Healthy", await app.Client.GetStringAsync("/alive", Cancel));
    }

    private static async Task<IReadOnlyList<string>?> KeptAsync(Action<IServiceCollection> add)
    {
        await using var app = await TestApplication.StartAsync(app => app.MapReplica(), build: builder => add(builder.Services));
        return (await app.Client.GetFromJsonAsync("/health", ContractJson.Default.ReplicaHealth, Cancel))!.KeptOfClients;
    }

    // Stands for one on another machine.
    private sealed class SharedCache : IDistributedCache
    {
        public byte[]? Get(string key) => null;

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult<byte[]?>(null);

        public void Refresh(string key)
        {
        }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key)
        {
        }

        public Task RemoveAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
        {
        }

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) => Task.CompletedTask;
    }
}
