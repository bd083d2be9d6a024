using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class ClosedLoopTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_client_asks_again_when_it_has_its_answer()
    {
        var report = await RunAsync(clients: 1, _ =>
        {
            _time.Advance(TimeSpan.FromSeconds(0.5));
            return Task.FromResult<string?>(null);
        });

        Assert.Equal((20, 2), (report.Succeeded, report.PerSecond));
    }

    [Fact]
    public async Task Clients_that_leave_do_not_wait_for_their_answers()
    {
        using var leave = new CancellationTokenSource();
        var run = RunAsync(
            clients: 3,
            async left =>
            {
                await Task.Delay(Timeout.Infinite, left);
                return null;
            },
            leave.Token);
        await leave.CancelAsync();

        Assert.Equal(0, (await run.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)).Sent);
    }

    private Task<StreamReport> RunAsync(int clients, Func<CancellationToken, Task<string?>> send, CancellationToken leave = default) =>
        new ClosedLoop(_time, send).RunAsync(
            new LoadPlan(new Uri("http://127.0.0.1:1/"), 0, 10, 1), new ClosedLoad("/", clients), _time.GetTimestamp(), leave);
}
