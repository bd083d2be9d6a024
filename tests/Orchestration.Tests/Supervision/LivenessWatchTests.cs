using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class LivenessWatchTests
{
    private static readonly ProbeResult Serves = new(ProbeOutcome.Serves, "200 OK", 200);
    private static readonly ProbeResult Silent = new(ProbeOutcome.Unanswered, "Connection refused");

    private readonly FakeTimeProvider _time = new();
    private Func<Task<ProbeResult>> _answer = () => Task.FromResult(Silent);

    [Fact]
    public async Task What_never_answers_hangs_when_the_time_for_a_start_is_over()
    {
        var hangs = Watch();

        await AdvanceAsync(58);
        Assert.False(hangs.IsCompleted);
        await AdvanceAsync(2);

        Assert.Equal("has not answered http://127.0.0.1:1/alive for 60 s (Connection refused)", await hangs);
    }

    [Fact]
    public async Task What_has_answered_once_hangs_after_a_shorter_silence()
    {
        _answer = () => Task.FromResult(Serves);
        var hangs = Watch();
        await AdvanceAsync(100);

        _answer = () => new TaskCompletionSource<ProbeResult>().Task;
        await AdvanceAsync(28);
        Assert.False(hangs.IsCompleted);
        await AdvanceAsync(4);

        Assert.StartsWith("has not answered http://127.0.0.1:1/alive for 30 s", await hangs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_listen_any_more_may_drain_as_somebody_else_told_it_to()
    {
        _answer = () => Task.FromResult(Serves);
        var hangs = Watch();
        await AdvanceAsync(2);

        _answer = () => Task.FromResult(new ProbeResult(ProbeOutcome.Closed, "Connection refused"));
        await AdvanceAsync(128);
        Assert.False(hangs.IsCompleted);
        await AdvanceAsync(4);

        Assert.Equal("has not answered http://127.0.0.1:1/alive for 130 s (Connection refused)", await hangs);
    }

    [Fact]
    public async Task A_late_answer_is_an_answer()
    {
        _answer = () => Task.FromResult(Serves);
        var hangs = Watch();
        await AdvanceAsync(2);
        for (var i = 0; i < 10; i++)
        {
            var late = new TaskCompletionSource<ProbeResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            _answer = () => late.Task;
            await AdvanceAsync(20);
            late.SetResult(Serves);
            await AdvanceAsync(2);
        }

        Assert.False(hangs.IsCompleted);
    }

    [Fact]
    public async Task Who_cannot_ask_does_not_conclude_that_nobody_is_there()
    {
        _answer = () => Task.FromResult(new ProbeResult(ProbeOutcome.Unknown, "Too many open files"));
        var hangs = Watch();

        await AdvanceAsync(600);

        Assert.False(hangs.IsCompleted);
    }

    [Fact]
    public async Task Who_was_suspended_does_not_count_that_as_silence()
    {
        _answer = () => Task.FromResult(Serves);
        var hangs = Watch();
        await AdvanceAsync(2);
        _answer = () => Task.FromResult(Silent);

        // All of it at once, as a laptop that was closed sees it.
        _time.Advance(TimeSpan.FromHours(8));
        await AdvanceAsync(20);

        Assert.False(hangs.IsCompleted);
    }

    private Task<string> Watch() =>
        new LivenessWatch(new("http://127.0.0.1:1/alive"), new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(100)), (_, _) => _answer(), _time)
            .HangsAsync(TestContext.Current.CancellationToken);

    private async Task AdvanceAsync(int seconds)
    {
        for (var passed = 0; passed < seconds; passed += 2)
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            // What waited for that goes on, on the thread pool.
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
