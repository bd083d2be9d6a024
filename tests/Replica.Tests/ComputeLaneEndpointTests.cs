using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Lane;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace ClusterAspire.Replica.Tests;

public sealed class ComputeLaneEndpointTests : IDisposable
{
    private static readonly Dictionary<string, string?> OneThreadNoQueue = new() { ["ComputeLane:Threads"] = "1", ["ComputeLane:QueueLimit"] = "0" };
    private static readonly Dictionary<string, string?> OneThread = new() { ["ComputeLane:Threads"] = "1" };

    private readonly ManualResetEventSlim _gate = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _gate.Set();

    private string Hold()
    {
        _gate.Wait(Cancel);
        return "held";
    }

    private static string Where() => Thread.CurrentThread.Name ?? "elsewhere";

    [Fact]
    public async Task Handlers_run_on_the_lane_and_others_do_not()
    {
        await using var app = await TestApplication.StartAsync(app =>
        {
            app.MapGet("/sync", Where).RunsOnComputeLane();
            app.MapGet("/async", async () =>
            {
                await Task.Delay(1, Cancel);
                return Where();
            }).RunsOnComputeLane();
            app.MapGroup("/group").RunsOnComputeLane().MapGet("/in", Where);
            app.MapGet("/delegate", (RequestDelegate)(context => context.Response.WriteAsync(Where()))).RunsOnComputeLane();
            app.MapGet("/light", Where);
        });
        foreach (var path in (string[])["/sync", "/async", "/group/in", "/delegate"])
        {
            Assert.StartsWith("Compute lane ", await app.Client.GetStringAsync(path, Cancel));
        }

        Assert.DoesNotContain("Compute lane", await app.Client.GetStringAsync("/light", Cancel));
    }

    [Fact]
    public async Task A_full_lane_answers_503_with_retry_after_and_a_problem()
    {
        await using var app = await TestApplication.StartAsync(app => app.MapGet("/slow", Hold).RunsOnComputeLane(), OneThreadNoQueue);
        var held = app.Client.GetStringAsync("/slow", Cancel);
        await Eventually.IsTrueAsync(() => app.Lane.Running == 1);

        await AssertBusy(await app.Client.GetAsync("/slow", Cancel));
        _gate.Set();
        Assert.Equal("held", await held);
        Assert.Equal("held", await app.Client.GetStringAsync("/slow", Cancel));
    }

    [Fact]
    public async Task A_handler_that_uses_the_lane_itself_answers_the_same_when_it_is_full()
    {
        await using var app = await TestApplication.StartAsync(
            app => app.MapGet("/slow", async (ComputeLane lane, CancellationToken aborted) => await lane.RunAsync(_ => Hold(), aborted)),
            OneThreadNoQueue);
        var held = app.Client.GetStringAsync("/slow", Cancel);
        await Eventually.IsTrueAsync(() => app.Lane.Running == 1);

        await AssertBusy(await app.Client.GetAsync("/slow", Cancel));
        _gate.Set();
        Assert.Equal("held", await held);
    }

    private static async Task AssertBusy(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("All 1 compute threads are busy", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task A_request_that_is_wrong_is_answered_without_waiting_for_the_lane()
    {
        await using var app = await TestApplication.StartAsync(
            app =>
            {
                app.MapGet("/slow", Hold).RunsOnComputeLane();
                app.MapGet("/typed", (int n) => n).RunsOnComputeLane();
                app.MapGet("/filtered", Hold).AddEndpointFilter((_, _) => ValueTask.FromResult<object?>(Results.Conflict())).RunsOnComputeLane();
            },
            OneThreadNoQueue);
        var held = app.Client.GetStringAsync("/slow", Cancel);
        await Eventually.IsTrueAsync(() => app.Lane.Running == 1);

        Assert.Equal(HttpStatusCode.BadRequest, (await app.Client.GetAsync("/typed?n=abc", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await app.Client.GetAsync("/filtered", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await app.Client.GetAsync("/typed?n=1", Cancel)).StatusCode);
        _gate.Set();
        await held;
    }

    [Fact]
    public async Task A_request_whose_client_leaves_the_queue_never_runs()
    {
        var ran = 0;
        await using var app = await TestApplication.StartAsync(
            app =>
            {
                app.MapGet("/hold", Hold).RunsOnComputeLane();
                app.MapGet("/count", () => Interlocked.Increment(ref ran)).RunsOnComputeLane();
            },
            OneThread);
        var held = app.Client.GetStringAsync("/hold", Cancel);
        await Eventually.IsTrueAsync(() => app.Lane.Running == 1);
        using var leaving = new CancellationTokenSource();
        var queued = app.Client.GetStringAsync("/count", leaving.Token);
        await Eventually.IsTrueAsync(() => app.Lane.QueueLength == 1);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queued);
        await Eventually.IsTrueAsync(() => app.Lane.QueueLength == 0);
        _gate.Set();
        await held;
        Assert.Equal("1", await app.Client.GetStringAsync("/count", Cancel));
    }

    [Fact]
    public async Task A_running_handler_is_told_when_its_client_leaves_and_its_thread_is_free_again()
    {
        var told = new TaskCompletionSource();
        await using var app = await TestApplication.StartAsync(
            app => app.MapGet("/slow", (CancellationToken aborted) =>
            {
                aborted.WaitHandle.WaitOne();
                told.SetResult();
                aborted.ThrowIfCancellationRequested();
            }).RunsOnComputeLane(),
            OneThread);
        using var leaving = new CancellationTokenSource();
        var running = app.Client.GetStringAsync("/slow", leaving.Token);
        await Eventually.IsTrueAsync(() => app.Lane.Running == 1);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        await Eventually.IsTrueAsync(() => app.Lane.Running == 0);
    }

    [Fact]
    public async Task A_client_that_sends_its_body_slowly_holds_no_thread_of_the_lane()
    {
        await using var app = await TestApplication.StartAsync(
            app =>
            {
                app.MapPost("/delegate", (RequestDelegate)(async context =>
                    await context.Response.WriteAsync(await new StreamReader(context.Request.Body).ReadToEndAsync(Cancel), Cancel))).RunsOnComputeLane();
                app.MapPost("/stream", async (Stream body) => await new StreamReader(body).ReadToEndAsync(Cancel)).RunsOnComputeLane();
                app.MapPost("/pipe", async (PipeReader body) => await new StreamReader(body.AsStream()).ReadToEndAsync(Cancel)).RunsOnComputeLane();
                app.MapPost("/bound", (string[] body) => string.Concat(body)).RunsOnComputeLane();
                app.MapGet("/other", Where).RunsOnComputeLane();
            },
            new(OneThreadNoQueue) { ["ComputeLane:BodyMemory"] = "16" });
        foreach (var (path, body) in ((string, string)[])[("/delegate", "\"0123456789\""), ("/stream", new string('x', 100)), ("/pipe", "piped"), ("/bound", "[\"bound\"]")])
        {
            using var client = await ConnectAsync(app);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body[..3]}"), Cancel);
            for (var i = 0; i < 5; i++)
            {
                Assert.StartsWith("Compute lane", await app.Client.GetStringAsync("/other", Cancel));
            }

            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(body[3..]), Cancel);
            Assert.Contains(body.Trim('[', ']', '"'), await new StreamReader(client.GetStream()).ReadToEndAsync(Cancel), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_no_thread_of_the_lane()
    {
        const int Length = 32 << 20;
        await using var app = await TestApplication.StartAsync(
            app =>
            {
                app.MapGet("/large", (RequestDelegate)(context =>
                {
                    context.Response.ContentLength = Length;
                    return context.Response.Body.WriteAsync(new byte[Length], Cancel).AsTask();
                })).RunsOnComputeLane();
                app.MapGet("/result", () => new byte[Length]).RunsOnComputeLane();
                app.MapGet("/other", Where).RunsOnComputeLane();
            },
            OneThread);
        foreach (var path in (string[])["/large", "/result"])
        {
            using var client = await ConnectAsync(app);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), Cancel);
            await client.GetStream().ReadExactlyAsync(new byte[1], Cancel);

            Assert.StartsWith("Compute lane", await Eventually.InTimeAsync(app.Client.GetStringAsync("/other", Cancel)));
            await Eventually.IsTrueAsync(() => app.Lane.Running == 0);
        }

        Assert.Equal(Length, (await app.Client.GetByteArrayAsync("/large", Cancel)).Length);
    }

    private static async Task<TcpClient> ConnectAsync(TestApplication app)
    {
        var client = new TcpClient();
        await client.ConnectAsync(app.Client.BaseAddress!.Host, app.Client.BaseAddress.Port, Cancel);
        return client;
    }

    [Fact]
    public async Task Exceptions_of_a_handler_reach_the_applications_exception_handling()
    {
        await using var app = await TestApplication.StartAsync(app =>
        {
            app.UseExceptionHandler(handler => handler.Run(context =>
                context.Response.WriteAsync(context.Features.Get<IExceptionHandlerFeature>()!.Error.GetType().Name)));
            app.MapGet("/slow", string () => throw new FormatException()).RunsOnComputeLane();
        });
        var response = await app.Client.GetAsync("/slow", Cancel);
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("FormatException", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Running_and_waiting_work_is_finished_when_the_host_stops()
    {
        await using var app = await TestApplication.StartAsync(
            app => app.MapGet("/slow", Hold).RunsOnComputeLane(),
            new(OneThread) { ["Drain:Timeout"] = "60" });
        var requests = Enumerable.Range(0, 3).Select(_ => app.Client.GetStringAsync("/slow", Cancel)).ToList();
        await Eventually.IsTrueAsync(() => app.Lane is { Running: 1, QueueLength: 2 });

        var stopping = app.StopAsync();
        Assert.False(stopping.IsCompleted);
        _gate.Set();
        Assert.All(await Task.WhenAll(requests), answer => Assert.Equal("held", answer));
        await stopping;
    }
}
