using System.Diagnostics;
using System.Diagnostics.Metrics;
using ClusterAspire.Replica.Lane;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Tests;

public sealed class ComputeLaneTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ManualResetEventSlim _gate = new();
    private readonly List<ComputeLane> _lanes = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public void Dispose()
    {
        _gate.Set();
        _lanes.ForEach(lane => lane.Dispose());
        _services.Dispose();
    }

    private ComputeLane Lane(int threads = 0, int queueLimit = 256)
    {
        var options = Options.Create(new ComputeLaneOptions { Threads = threads, QueueLimit = queueLimit });
        var lane = new ComputeLane(options, Meters, NullLogger<ComputeLane>.Instance);
        _lanes.Add(lane);
        return lane;
    }

    /// <summary>Keeps a thread of the lane until the gate opens.</summary>
    private Task<int> Hold(ComputeLane lane, CancellationToken cancellationToken = default) => lane.RunAsync(
        _ =>
        {
            _gate.Wait(Cancel);
            return Environment.CurrentManagedThreadId;
        },
        cancellationToken);

    [Fact]
    public async Task Work_never_runs_on_a_thread_of_the_pool()
    {
        var lane = Lane();
        var pooled = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ =>
            lane.RunAsync(_ => Thread.CurrentThread.IsThreadPoolThread, Cancel)));
        Assert.DoesNotContain(true, pooled);
    }

    [Fact]
    public void It_has_one_thread_per_core_unless_told_otherwise()
    {
        Assert.Equal(Environment.ProcessorCount, Lane().Threads);
        Assert.Equal(3, Lane(threads: 3).Threads);
    }

    [Fact]
    public async Task As_much_work_runs_at_once_as_there_are_threads_and_the_rest_waits()
    {
        var lane = Lane(threads: 3);
        var work = Enumerable.Range(0, 5).Select(_ => Hold(lane, Cancel)).ToList();
        await Eventually.IsTrueAsync(() => lane.Running == 3 && lane.QueueLength == 2);

        _gate.Set();
        var threads = await Task.WhenAll(work);
        Assert.Equal(3, threads.Take(3).Distinct().Count());
        Assert.Equal(3, threads.Distinct().Count());
        Assert.Equal((0, 0), (lane.Running, lane.QueueLength));
    }

    [Fact]
    public async Task Its_threads_have_the_lowest_priority_of_the_operating_system_and_the_pool_keeps_its_own()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the scheduling policy from /proc.");
        const int idle = 5;
        Assert.Equal((idle, 0), await Lane(threads: 1).RunAsync(_ => SchedulingOfThisThread(), Cancel));
        Assert.Equal((0, 0), await Task.Run(SchedulingOfThisThread, Cancel));
    }

    [Fact]
    public void Where_that_is_forbidden_they_are_as_nice_as_can_be()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the scheduling policy from /proc.");
        var scheduling = (0, 0);
        var thread = new Thread(() =>
        {
            Assert.True(LowPriority.EnterNice());
            scheduling = SchedulingOfThisThread();
        });
        thread.Start();
        thread.Join();
        Assert.Equal((0, 19), scheduling);
    }

    private static (int Policy, int Nice) SchedulingOfThisThread()
    {
        // proc_pid_stat(5): nice is field 19, the policy field 41; what follows the name in parentheses starts at field 3.
        var stat = File.ReadAllText("/proc/thread-self/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (int.Parse(fields[38]), int.Parse(fields[16]));
    }

    [Fact]
    public async Task A_full_queue_refuses_and_accepts_again_once_there_is_room()
    {
        var lane = Lane(threads: 1, queueLimit: 2);
        var work = Enumerable.Range(0, 3).Select(_ => Hold(lane, Cancel)).ToList();
        var full = await Assert.ThrowsAsync<ComputeLaneFullException>(() => Hold(lane, Cancel));
        Assert.Equal("All 1 compute threads are busy and 2 more requests are waiting.", full.Message);

        _gate.Set();
        await Task.WhenAll(work);
        await lane.RunAsync(_ => { }, Cancel);
    }

    [Fact]
    public async Task Without_a_queue_only_free_threads_accept_and_each_is_free_as_soon_as_its_answer_is_out()
    {
        var lane = Lane(threads: 2, queueLimit: 0);
        for (var i = 0; i < 1000; i++)
        {
            // Refused now and then if a thread were still counted as busy after it had answered.
            await Task.WhenAll(lane.RunAsync(_ => { }, Cancel), lane.RunAsync(_ => { }, Cancel));
        }

        var held = new[] { Hold(lane, Cancel), Hold(lane, Cancel) };
        await Assert.ThrowsAsync<ComputeLaneFullException>(() => Hold(lane, Cancel));
        _gate.Set();
        await Task.WhenAll(held);
    }

    [Fact]
    public async Task Waiting_work_whose_caller_leaves_never_runs_and_gives_its_place_up()
    {
        var lane = Lane(threads: 1, queueLimit: 1);
        var held = Hold(lane, Cancel);
        using var caller = new CancellationTokenSource();
        var ran = false;
        var waiting = lane.RunAsync(_ => { ran = true; }, caller.Token);
        await Assert.ThrowsAsync<ComputeLaneFullException>(() => lane.RunAsync(_ => { }, Cancel));

        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        var next = lane.RunAsync(_ => { }, Cancel);
        _gate.Set();
        await held;
        await next;
        Assert.False(ran);
    }

    [Fact]
    public async Task Work_is_told_by_its_token_when_its_caller_leaves()
    {
        using var caller = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        var work = Lane(threads: 1).RunAsync(
            token =>
            {
                started.SetResult();
                token.WaitHandle.WaitOne();
                token.ThrowIfCancellationRequested();
            },
            caller.Token);
        await started.Task;
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.WaitAsync(TimeSpan.FromSeconds(60), Cancel));
    }

    [Fact]
    public async Task Asynchronous_work_comes_back_to_its_thread_after_each_await()
    {
        var threads = await Lane(threads: 2).RunAsync(
            async token =>
            {
                var seen = new List<(int, bool)>();
                for (var i = 0; i < 20; i++)
                {
                    seen.Add((Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread));
                    await (i % 2 == 0 ? Task.Delay(1, token) : Task.Run(() => { }, token));
                }

                return seen;
            },
            Cancel);
        Assert.False(Assert.Single(threads.Distinct()).Item2);
    }

    [Fact]
    public async Task Asynchronous_work_holds_its_thread_while_it_awaits()
    {
        var lane = Lane(threads: 1, queueLimit: 1);
        var outside = new TaskCompletionSource();
        var awaiting = lane.RunAsync(async _ => await outside.Task, Cancel);
        await Eventually.IsTrueAsync(() => lane.Running == 1);
        var waiting = lane.RunAsync(_ => { }, Cancel);
        Assert.Equal(1, lane.QueueLength);

        outside.SetResult();
        await awaiting;
        await waiting;
    }

    private static async Task<int> AfterAwaitsAsync(int result)
    {
        for (var i = 0; i < 3; i++)
        {
            await Task.Delay(1, Cancel);
            await Task.Run(() => { }, Cancel);
        }

        return result;
    }

    [Fact]
    public async Task Work_that_blocks_on_something_asynchronous_ends()
    {
        var lane = Lane(threads: 1);
        Assert.Equal(1, await InTime(lane.RunAsync(_ => AfterAwaitsAsync(1).Result, Cancel)));
        await InTime(lane.RunAsync(_ => AfterAwaitsAsync(1).Wait(Cancel), Cancel));
        Assert.Equal(2, await InTime(lane.RunAsync(_ => AfterAwaitsAsync(2).GetAwaiter().GetResult(), Cancel)));
        // Blocked within what follows an await, twice over.
        Assert.Equal(6, await InTime(lane.RunAsync(
            async _ => await AfterAwaitsAsync(1) + BlockAsync(2).Result,
            Cancel)));
        // Begun before the thread is blocked, and several at once.
        Assert.Equal(10, await InTime(lane.RunAsync(
            _ =>
            {
                var begun = Enumerable.Range(0, 5).Select(AfterAwaitsAsync).ToArray();
                Thread.SpinWait(100_000);
                return Task.WhenAll(begun).Result.Sum();
            },
            Cancel)));

        static async Task<int> BlockAsync(int result)
        {
            await Task.Delay(1, Cancel);
            return AfterAwaitsAsync(result).Result + AfterAwaitsAsync(result + 1).Result;
        }
    }

    [Fact]
    public async Task What_follows_an_await_while_the_thread_is_blocked_has_the_lowest_priority_too()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the scheduling policy from /proc.");
        const int idle = 5;
        Assert.Equal((idle, 0), await InTime(Lane(threads: 1).RunAsync(_ => LookAsync().Result, Cancel)));

        static async Task<(int, int)> LookAsync()
        {
            await Task.Delay(1, Cancel);
            return SchedulingOfThisThread();
        }
    }

    [Fact]
    public async Task Work_that_uses_the_lane_within_itself_ends_and_runs_at_once()
    {
        var lane = Lane(threads: 1, queueLimit: 0);
        Assert.Equal(1, await InTime(lane.RunAsync(async _ => await lane.RunAsync(_ => 1, Cancel), Cancel)));
        Assert.Equal(2, await InTime(lane.RunAsync(_ => lane.RunAsync(_ => 2, Cancel).Result, Cancel)));
        Assert.Equal(3, await InTime(lane.RunAsync(_ => lane.RunAsync(_ => AfterAwaitsAsync(3), Cancel).Result, Cancel)));
        Assert.Equal(4, await InTime(lane.RunAsync(
            async _ =>
            {
                await Task.Delay(1, Cancel).ConfigureAwait(false);
                var pooled = Thread.CurrentThread.IsThreadPoolThread;
                return await lane.RunAsync(_ => pooled && !Thread.CurrentThread.IsThreadPoolThread ? 4 : 0, Cancel).ConfigureAwait(false);
            },
            Cancel)));
        await Assert.ThrowsAsync<FormatException>(() => InTime(lane.RunAsync(
            async _ => await lane.RunAsync((Action<CancellationToken>)(_ => throw new FormatException()), Cancel), Cancel)));
    }

    [Fact]
    public async Task What_work_leaves_behind_waits_in_the_lane_as_anybody_does()
    {
        var lane = Lane(threads: 1);
        var later = new TaskCompletionSource();
        Task<int> left = null!;
        await lane.RunAsync(_ => { left = LeaveBehindAsync(); }, Cancel);
        var held = Hold(lane, Cancel);
        await Eventually.IsTrueAsync(() => lane.Running == 1);
        later.SetResult();
        await Eventually.IsTrueAsync(() => lane.QueueLength == 1);
        _gate.Set();
        await InTime(held);
        Assert.Equal(1, await InTime(left));

        async Task<int> LeaveBehindAsync()
        {
            await later.Task;
            return await lane.RunAsync(_ => 1, Cancel);
        }
    }

    [Fact]
    public async Task A_lane_whose_threads_are_all_busy_with_the_same_work_for_too_long_is_stuck_until_one_is_done()
    {
        var options = Options.Create(new ComputeLaneOptions { Threads = 2, StuckAfter = 0.2 });
        var lane = new ComputeLane(options, Meters, NullLogger<ComputeLane>.Instance);
        _lanes.Add(lane);
        Assert.Equal(new(0, 0, null, false), lane.Health);
        var first = Hold(lane, Cancel);
        await Eventually.IsTrueAsync(() => lane.Health.OldestSeconds > 0.3);
        Assert.False(lane.Health.IsStuck);

        var second = Hold(lane, Cancel);
        await Eventually.IsTrueAsync(() => lane.Health is { Running: 2, IsStuck: true });
        _gate.Set();
        await Task.WhenAll(first, second);
        Assert.False(lane.Health.IsStuck);
    }

    private static Task<T> InTime<T>(Task<T> work) => Eventually.InTimeAsync(work);

    private static Task InTime(Task work) => Eventually.InTimeAsync(work);

    [Fact]
    public async Task What_asynchronous_work_leaves_behind_goes_on_in_the_pool()
    {
        var later = new TaskCompletionSource();
        var pooled = new TaskCompletionSource<bool>();
        await Lane(threads: 1).RunAsync(
            token =>
            {
                _ = LeaveBehind();

                async Task LeaveBehind()
                {
                    await later.Task.WaitAsync(token);
                    pooled.SetResult(Thread.CurrentThread.IsThreadPoolThread);
                }
            },
            Cancel);
        later.SetResult();
        Assert.True(await pooled.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancel));
    }

    [Fact]
    public async Task Exceptions_reach_the_caller_and_the_thread_lives_on()
    {
        var lane = Lane(threads: 1);
        await Assert.ThrowsAsync<FormatException>(() => lane.RunAsync((Action<CancellationToken>)(_ => throw new FormatException()), Cancel));
        await Assert.ThrowsAsync<FormatException>(() => lane.RunAsync(
            async _ =>
            {
                await Task.Yield();
                throw new FormatException();
            },
            Cancel));
        Assert.Equal(42, await lane.RunAsync(_ => 42, Cancel));
    }

    [Fact]
    public async Task Async_locals_of_the_caller_are_seen_and_do_not_stay_on_the_thread()
    {
        var lane = Lane(threads: 1);
        var local = new AsyncLocal<string> { Value = "caller's" };
        var seen = await lane.RunAsync(
            _ =>
            {
                var value = local.Value;
                local.Value = "work's";
                return value;
            },
            Cancel);
        Assert.Equal("caller's", seen);
        local.Value = null!;
        Assert.Null(await lane.RunAsync(_ => local.Value, Cancel));
    }

    [Fact]
    public async Task When_it_ends_waiting_work_is_dropped_running_work_is_told_and_nothing_more_is_taken()
    {
        var lane = Lane(threads: 1);
        var started = new TaskCompletionSource();
        var running = lane.RunAsync(
            token =>
            {
                started.SetResult();
                token.WaitHandle.WaitOne();
                return "told";
            },
            Cancel);
        await started.Task;
        var waiting = lane.RunAsync(_ => { }, Cancel);

        lane.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal("told", await running.WaitAsync(TimeSpan.FromSeconds(60), Cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => lane.RunAsync(_ => { }, Cancel));
    }

    [Fact]
    public async Task Instruments_count_exactly()
    {
        var counts = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Scope == Meters)
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument.Name + Error(tags), 1));
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument.Name, value));
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Add(instrument.Name, value));
        listener.Start();

        var lane = Lane(threads: 1, queueLimit: 2);
        using var leaving = new CancellationTokenSource();
        var held = Hold(lane, Cancel);
        await Eventually.IsTrueAsync(() => lane.Running == 1);
        var failing = lane.RunAsync((Action<CancellationToken>)(_ => throw new FormatException()), Cancel);
        var dropped = lane.RunAsync(_ => { }, leaving.Token);
        await Assert.ThrowsAsync<ComputeLaneFullException>(() => lane.RunAsync(_ => { }, Cancel));
        listener.RecordObservableInstruments();
        await leaving.CancelAsync();
        _gate.Set();
        await held;
        await Assert.ThrowsAsync<FormatException>(() => failing);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropped);

        Assert.Equal(
            new Dictionary<string, double>
            {
                ["clusteraspire.compute_lane.queue_length"] = 2,
                ["clusteraspire.compute_lane.running"] = 1,
                ["clusteraspire.compute_lane.queue_time"] = 2,
                ["clusteraspire.compute_lane.run_time"] = 1,
                ["clusteraspire.compute_lane.run_time System.FormatException"] = 1,
                ["clusteraspire.compute_lane.rejected"] = 1,
                ["clusteraspire.compute_lane.dropped"] = 1,
            },
            counts);

        void Add(string name, double value)
        {
            lock (counts)
            {
                counts[name] = counts.GetValueOrDefault(name) + value;
            }
        }

        static string Error(ReadOnlySpan<KeyValuePair<string, object?>> tags) => tags.Length == 0 ? "" : $" {tags[0].Value}";
    }

    [Fact]
    public async Task A_trace_shows_waiting_and_running_under_the_span_of_the_caller()
    {
        using var source = new ActivitySource(nameof(A_trace_shows_waiting_and_running_under_the_span_of_the_caller));
        var ended = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s == source || s.Name == ComputeLaneTelemetry.Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (ended)
                {
                    ended.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);

        using var caller = source.StartActivity("caller")!;
        var inside = await Lane(threads: 1).RunAsync(_ => Activity.Current!.OperationName, Cancel);

        Assert.Equal("compute_lane run", inside);
        Assert.Same(caller, Activity.Current);
        List<Activity> spans;
        lock (ended)
        {
            spans = ended.Where(span => span.ParentSpanId == caller.SpanId).ToList();
        }

        Assert.Equal(["compute_lane queue", "compute_lane run"], spans.Select(span => span.OperationName));
        Assert.True(spans[0].StartTimeUtc >= caller.StartTimeUtc);
        Assert.True(spans[1].StartTimeUtc >= spans[0].StartTimeUtc);
    }
}
