using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class OpenLoopTests
{
    private static readonly Uri Target = new("http://127.0.0.1:1/");

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Sends_a_request_whenever_one_is_due()
    {
        var sentAt = new List<TimeSpan>();
        var start = _time.GetTimestamp();

        var report = await RunAsync(rate: 10, seconds: 2, _ =>
        {
            sentAt.Add(_time.GetElapsedTime(start));
            return Task.FromResult<string?>(null);
        });

        Assert.Equal(Enumerable.Range(0, 20).Select(number => TimeSpan.FromSeconds(0.1 * number)), sentAt);
        Assert.Equal((20, 20, 10), (report.Sent, report.Succeeded, report.PerSecond));
    }

    [Fact]
    public async Task A_stall_is_charged_to_every_request_that_was_due_during_it()
    {
        var first = true;

        var report = await RunAsync(rate: 10, seconds: 2, _ =>
        {
            if (first)
            {
                first = false;
                _time.Advance(TimeSpan.FromSeconds(1));
            }

            return Task.FromResult<string?>(null);
        });

        // The first took 1 s; the nine due meanwhile were sent late and waited 0.9, 0.8, … 0.1 s; the others nothing.
        var latencies = Latencies.FromPairs(report.Latencies);
        Assert.Equal(20, report.Succeeded);
        Assert.Equal(1000, latencies.Percentile(100), 1.0);
        Assert.Equal(900, latencies.Percentile(95), 1.0);
        Assert.Equal(500, latencies.Percentile(75), 1.0);
        Assert.InRange(latencies.Percentile(50), 0, 1);
    }

    [Fact]
    public async Task A_slow_answer_does_not_delay_the_next_request()
    {
        var answers = new List<TaskCompletionSource<string?>>();

        var report = await RunAsync(rate: 10, seconds: 1, _ =>
        {
            answers.Add(new TaskCompletionSource<string?>());
            if (answers.Count == 10)
            {
                answers.ForEach(answer => answer.SetResult(null));
            }

            return answers[^1].Task;
        });

        Assert.Equal(10, report.Succeeded);
        Assert.Equal(900, Latencies.FromPairs(report.Latencies).Percentile(100), 1.0);
    }

    [Fact]
    public async Task What_nobody_answers_counts_with_its_age_when_waiting_ends()
    {
        var run = RunAsync(rate: 1, seconds: 1, _ => new TaskCompletionSource<string?>().Task, drain: 5);
        _time.Advance(TimeSpan.FromSeconds(5));

        var report = await run.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        Assert.Equal((1, 0, 1), (report.Sent, report.Succeeded, report.Unanswered));
        Assert.Equal(5000, Latencies.FromPairs(report.Latencies).Percentile(50), 5.0);
    }

    [Fact]
    public async Task Failures_are_counted_by_reason_and_are_no_latencies()
    {
        var number = 0;

        var report = await RunAsync(rate: 10, seconds: 1, _ => Task.FromResult(++number <= 3 ? "HTTP 503" : null));

        Assert.Equal((10, 7, 3), (report.Sent, report.Succeeded, report.Failed));
        Assert.Equal(3, report.Failures["HTTP 503"]);
        Assert.Equal(7, Latencies.FromPairs(report.Latencies).Count);
    }

    [Fact]
    public async Task The_warm_up_is_not_recorded()
    {
        var sent = 0;

        var report = await RunAsync(rate: 10, seconds: 1, _ => Task.FromResult(++sent <= 10 ? "HTTP 500" : null), warmUp: 1);

        Assert.Equal(20, sent);
        Assert.Equal((10, 0), (report.Succeeded, report.Failed));
    }

    private Task<StreamReport> RunAsync(double rate, double seconds, Func<CancellationToken, Task<string?>> send, double warmUp = 0, double drain = 1) =>
        new OpenLoop(_time, _time.Advance, send).RunAsync(
            new LoadPlan(Target, warmUp, seconds, drain), new OpenLoad("/", rate), _time.GetTimestamp(), TestContext.Current.CancellationToken);
}
