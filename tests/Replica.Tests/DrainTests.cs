using System.Net;
using System.Runtime.InteropServices;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ClusterAspire.Replica.Tests;

public sealed class DrainTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogLines _errors = new(LogLevel.Error);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Task<TestApplication> StartAsync() => TestApplication.StartAsync(
        app =>
        {
            app.MapReplica();
            app.MapHealthChecks("/plain");
            app.MapGet("/fast", () => "fast");
        },
        new() { ["Drain:Delay"] = "5", ["Drain:Timeout"] = "60" },
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Logging.AddProvider(_errors);
        });

    public void Dispose() => _errors.Dispose();

    [Fact]
    public async Task Draining_is_told_at_once_by_every_readiness_endpoint_while_requests_are_still_served()
    {
        await using var app = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("/plain", Cancel)).StatusCode);

        app.Get<Drain>().Begin();
        var health = await app.Client.GetAsync("/health", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Contains($"\"status\":\"Draining\",\"name\":\"{Environment.MachineName}\"", await health.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await app.Client.GetAsync("/plain", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("/alive", Cancel)).StatusCode);
        Assert.Equal("fast", await app.Client.GetStringAsync("/fast", Cancel));
        Assert.Empty(_errors.Lines);
    }

    [Fact]
    public async Task A_failing_health_check_is_logged_as_an_error_before()
    {
        await using var app = await TestApplication.StartAsync(
            app => app.MapReplica(),
            build: builder =>
            {
                builder.Logging.AddProvider(_errors);
                builder.Services.AddHealthChecks().AddCheck("database", () => HealthCheckResult.Unhealthy("gone"));
            });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await app.Client.GetAsync("/health", Cancel)).StatusCode);

        Assert.Contains("database", Assert.Single(_errors.Lines).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_host_stops_after_the_delay_and_not_before()
    {
        await using var app = await StartAsync();
        var stopping = app.Get<IHostApplicationLifetime>().ApplicationStopping;
        app.Get<Drain>().Begin();
        app.Get<Drain>().Begin();

        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(stopping.IsCancellationRequested);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        await Eventually.IsTrueAsync(() => stopping.IsCancellationRequested);
    }

    [Fact]
    public async Task The_same_stop_may_arrive_twice_and_only_a_later_signal_ends_the_process()
    {
        await using var app = await StartAsync();
        var exits = new List<int>();
        var signals = new SignalLifetime(app.Get<Drain>(), app.Get<IOptions<SupervisorOptions>>(), _time, NullLogger<SignalLifetime>.Instance) { Exit = exits.Add };

        signals.OnSignal(PosixSignal.SIGTERM);
        Assert.True(app.Get<Drain>().IsDraining);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        signals.OnSignal(PosixSignal.SIGTERM);
        Assert.Empty(exits);

        _time.Advance(TimeSpan.FromSeconds(0.2));
        // A terminal that is closed says so more than once.
        signals.OnSignal(PosixSignal.SIGHUP);
        Assert.Empty(exits);
        signals.OnSignal(PosixSignal.SIGINT);
        signals.OnSignal(PosixSignal.SIGTERM);
        Assert.Equal([130, 143], exits);
    }

    [Fact]
    public async Task Under_a_supervisor_the_order_of_leaving_is_the_supervisors()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There Ctrl+Break is how a supervisor asks.");
        await using var app = await StartAsync();
        var exits = new List<int>();
        var signals = new SignalLifetime(app.Get<Drain>(), Options.Create(new SupervisorOptions { Pid = 1 }), _time, NullLogger<SignalLifetime>.Instance) { Exit = exits.Add };

        // What a terminal, tmux, ssh or an init sends to all at once.
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP])
        {
            signals.OnSignal(signal);
            Assert.False(app.Get<Drain>().IsDraining);
        }

        // An init's, and much later the supervisor's own: one drain.
        signals.OnSignal(PosixSignal.SIGTERM);
        Assert.True(app.Get<Drain>().IsDraining);
        _time.Advance(TimeSpan.FromSeconds(60));
        signals.OnSignal(PosixSignal.SIGTERM);
        Assert.Empty(exits);
    }

    [Fact]
    public async Task While_draining_responses_close_their_connections()
    {
        await using var app = await StartAsync();
        Assert.Null((await app.Client.GetAsync("/fast", Cancel)).Headers.ConnectionClose);
        app.Get<Drain>().Begin();
        Assert.True((await app.Client.GetAsync("/fast", Cancel)).Headers.ConnectionClose);
    }
}
