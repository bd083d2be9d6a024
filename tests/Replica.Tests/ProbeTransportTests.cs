using System.Net.Sockets;
using System.Text;
using ClusterAspire.Replica.Draining;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClusterAspire.Replica.Tests;

/// <summary>Probes over bare, blocking sockets, which need no thread pool themselves.</summary>
public sealed class ProbeTransportTests : IDisposable
{
    private readonly ManualResetEventSlim _gate = new();

    public void Dispose() => _gate.Set();

    private Task<TestApplication> StartAsync(Action<WebApplicationBuilder>? build = null) => TestApplication.StartAsync(
        app =>
        {
            app.MapReplica();
            app.MapGet("/block", () => _gate.Wait(TestContext.Current.CancellationToken));
            app.MapGet("/fast", () => "fast");
            app.MapPost("/health/more", (HttpRequest request) => $"more {request.ContentLength}");
        },
        build: build);

    [Fact]
    public async Task Probes_are_answered_although_every_thread_of_the_pool_is_blocked()
    {
        await using var app = await StartAsync();
        using (var before = Connect(app))
        {
            Assert.Contains("200 OK", Ask(before, "/health"), StringComparison.Ordinal);
        }

        // Far more than the pool adds threads for in the time of this test.
        var blocked = Enumerable.Range(0, 1000).Select(_ => Connect(app)).ToList();
        blocked.ForEach(client => Send(client, "/block"));
        var light = Connect(app);
        Send(light, "/fast");
        Thread.Sleep(500);
        Assert.Equal(0, light.Available);

        foreach (var (path, body) in ((string, string)[])[("/alive", "Healthy"), ("/health", "\"status\":\"Healthy\",\"name\":"), ("/alive", "Healthy")])
        {
            using var probe = Connect(app);
            var answer = Ask(probe, path);
            Assert.Contains("200 OK", answer, StringComparison.Ordinal);
            Assert.Contains(body, answer, StringComparison.Ordinal);
        }

        Assert.Equal(0, light.Available);
        _gate.Set();
        Assert.Contains("fast", Receive(light), StringComparison.Ordinal);
        blocked.ForEach(client => client.Dispose());
        light.Dispose();
    }

    [Fact]
    public async Task A_connection_may_be_used_for_probes_again_and_for_anything_else_afterwards()
    {
        await using var app = await StartAsync();
        using var client = Connect(app);
        Assert.Contains("\r\n\r\nHealthy", Ask(client, "/alive"), StringComparison.Ordinal);
        Assert.Contains("\"lane\":{", Ask(client, "/health"), StringComparison.Ordinal);
        Assert.Contains("fast", Ask(client, "/fast"), StringComparison.Ordinal);
        Assert.Contains("\"status\":\"Healthy\"", Ask(client, "/health"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_only_looks_like_a_probe_at_first_is_a_request_like_any_other()
    {
        await using var app = await StartAsync();
        using var split = Connect(app);
        split.Send("GET /hea"u8);
        Thread.Sleep(50);
        split.Send("lth HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
        Assert.Contains("\"status\":\"Healthy\"", Receive(split), StringComparison.Ordinal);

        using var other = Connect(app);
        other.Send("POST /health/more HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab"u8);
        Assert.Contains("more 2", Receive(other), StringComparison.Ordinal);

        using var late = Connect(app);
        Thread.Sleep(1500);
        Assert.Contains("fast", Ask(late, "/fast"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_check_and_a_drain_are_told_here_as_anywhere()
    {
        var status = HealthStatus.Unhealthy;
        await using var app = await StartAsync(builder =>
        {
            builder.Configuration["Drain:Delay"] = "60";
            builder.Services.AddHealthChecks().AddCheck("database", () => new(status));
        });
        using var client = Connect(app);
        Assert.Contains("503", Ask(client, "/health"), StringComparison.Ordinal);
        Assert.Contains("200 OK", Ask(client, "/alive"), StringComparison.Ordinal);
        status = HealthStatus.Degraded;
        Assert.Contains("200 OK", Ask(client, "/health"), StringComparison.Ordinal);

        app.Get<Drain>().Begin();
        var draining = Ask(client, "/health");
        Assert.Contains("503", draining, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"Draining\"", draining, StringComparison.Ordinal);
        Assert.Contains("Connection: close", draining, StringComparison.Ordinal);
        Assert.Equal(0, client.Receive(new byte[1]));
    }

    private static Socket Connect(TestApplication app)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Eventually.Limit.TotalMilliseconds };
        socket.Connect(app.Client.BaseAddress!.Host, app.Client.BaseAddress.Port);
        return socket;
    }

    private static void Send(Socket socket, string path) => socket.Send(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));

    private static string Ask(Socket socket, string path)
    {
        Send(socket, path);
        return Receive(socket);
    }

    // Each answer is small and comes in one piece or, from Kestrel, chunked in a few.
    private static string Receive(Socket socket)
    {
        var answer = "";
        var buffer = new byte[4096];
        while (!answer.Contains("\r\n\r\n", StringComparison.Ordinal) || (answer.Contains("chunked", StringComparison.Ordinal) && !answer.EndsWith("0\r\n\r\n", StringComparison.Ordinal)))
        {
            answer += Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
        }

        return answer;
    }
}
