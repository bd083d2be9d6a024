using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ClusterAspire.LoadBalancer.Admin;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using ClusterAspire.Replica;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>The real load balancer before the given upstreams, on free ports of this machine.</summary>
internal sealed class Balancer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Balancer(WebApplication app, Uri url, Uri adminUrl, LogLines log)
    {
        _app = app;
        Log = log.Lines;
        Client = new HttpClient { BaseAddress = url };
        Admin = new HttpClient { BaseAddress = adminUrl };
    }

    public HttpClient Client { get; }

    /// <summary>Its warnings and errors.</summary>
    public IReadOnlyCollection<string> Log { get; }

    public HttpClient Admin { get; }

    public IServiceProvider Services => _app.Services;

    public static Task<Balancer> StartAsync(IEnumerable<IUpstream> upstreams, params (string Key, string Value)[] settings) =>
        StartAsync(upstreams, TimeProvider.System, settings);

    public static async Task<Balancer> StartAsync(IEnumerable<IUpstream> upstreams, TimeProvider time, params (string Key, string Value)[] settings)
    {
        var (url, adminUrl) = (FreeUrl(), FreeUrl());
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        var log = new LogLines();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Configuration.AddInMemoryCollection(
        [
            new("LoadBalancer:Url", url.ToString()),
            new("LoadBalancer:AdminUrl", adminUrl.ToString()),
            .. upstreams.Select(upstream => new KeyValuePair<string, string?>(AddressKey(upstream), upstream.Address.ToString())),
        ]);
        // After those above, so that they count.
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)));
        builder.Services.AddSingleton(time);
        builder.AddReplica();
        builder.AddLoadBalancer();
        var app = builder.Build();
        app.UseExceptionHandler();
        app.MapAdmin();
        app.MapLoadBalancer();
        await app.StartAsync();
        return new Balancer(app, url, adminUrl, log);
    }

    /// <summary>Adds an upstream to the configuration of the running load balancer.</summary>
    public void Add(UpstreamServer upstream) => Set(AddressKey(upstream), upstream.Address.ToString());

    /// <summary>Changes the configuration of the running load balancer.</summary>
    public void Set(string key, string? value)
    {
        _app.Configuration[key] = value;
        ((IConfigurationRoot)_app.Configuration).Reload();
    }

    public async Task<JsonElement> ReplicaAsync(string name) =>
        (await Admin.GetFromJsonAsync<JsonElement[]>("/api/replicas"))!.Single(replica => replica.GetProperty("name").GetString() == name);

    /// <summary>What happened, as the live page tells it: subject and text.</summary>
    public IEnumerable<string> Events => _app.Services.GetRequiredService<BalancerEvents>().Recent.Select(item => $"{item.Subject}: {item.Text}");

    /// <summary>What it knows of a replica.</summary>
    public Upstream Upstream(string name) => _app.Services.GetRequiredService<UpstreamCatalog>().All.Single(replica => replica.Name == name);

    /// <summary>Waits until a replica's state is as expected; a minute is forever here.</summary>
    public async Task UntilAsync(string name, params string[] states)
    {
        string? state = null;
        for (var i = 0; i < 1200; i++)
        {
            state = (await Admin.GetFromJsonAsync<JsonElement[]>("/api/replicas"))!
                .FirstOrDefault(replica => replica.GetProperty("name").GetString() == name) is { ValueKind: JsonValueKind.Object } replica
                ? replica.GetProperty("state").GetString() : null;
            if (states.Contains(state))
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail($"{name} is {state}, not {string.Join(" or ", states)}.");
    }

    /// <summary>Stops it as SIGTERM does.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Admin.Dispose();
        await _app.DisposeAsync();
    }

    private static string AddressKey(IUpstream upstream) => $"ReverseProxy:Clusters:service:Destinations:{upstream.Name}:Address";

    private static Uri FreeUrl() => new($"http://127.0.0.1:{FreePort.Next()}");
}
