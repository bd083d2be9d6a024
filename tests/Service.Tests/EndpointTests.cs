using System.Net;
using Microsoft.AspNetCore.Http;

namespace ClusterAspire.Service.Tests;

public sealed class EndpointTests
{
    private const string Longest = "/slow?iterations=20000000000";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fast_is_plain_text()
    {
        await using var service = await ServiceProcess.StartAsync();
        var response = await service.Client.GetAsync("/fast", Cancel);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("fast\n", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Slow_spins_as_often_as_asked_and_five_billion_times_unasked()
    {
        await using var service = await ServiceProcess.StartAsync();
        var response = await service.Client.GetAsync("/slow?iterations=1000", Cancel);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("1000 iterations in ", await response.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(5_000_000_000, (await Iterations.BindAsync(new DefaultHttpContext()))?.Count);
    }

    [Fact]
    public async Task Iterations_out_of_bounds_are_refused_without_waiting_for_the_lane_and_fast_answers_meanwhile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var service = await ServiceProcess.StartAsync(("ComputeLane__Threads", "1"), ("ComputeLane__QueueLimit", "0"));
        using var leaving = new CancellationTokenSource();
        var busy = service.Client.GetAsync(Longest, leaving.Token);
        await service.UntilBusyAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Client.GetAsync("/slow?iterations=1", Cancel)).StatusCode);

        Assert.Equal("fast\n", await service.Client.GetStringAsync("/fast", Cancel));
        foreach (var query in (string[])["abc", "", "0", "-1", "1.5", "1e3", "20000000001", "99999999999999999999", "1&iterations=2", "%201"])
        {
            var response = await service.Client.GetAsync($"/slow?iterations={query}", Cancel);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Contains("iterations must be one whole number from 1 to 20000000000.", await response.Content.ReadAsStringAsync(Cancel));
        }

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => busy);
    }

    [Fact]
    public async Task The_loop_stops_when_its_client_leaves()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var service = await ServiceProcess.StartAsync(("Telemetry__Console", "true"), ("OTEL_METRIC_EXPORT_INTERVAL", "200"));
        using var leaving = new CancellationTokenSource();
        var busy = service.Client.GetAsync(Longest, leaving.Token);
        await service.UntilBusyAsync();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => busy);
        // The lane's run time tells how the work ended: cancelled, not done.
        await service.WritesAsync("error.type: System.OperationCanceledException");
    }
}
