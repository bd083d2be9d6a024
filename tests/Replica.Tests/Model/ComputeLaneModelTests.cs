using ClusterAspire.Replica.Lane;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using System.Diagnostics.Metrics;

namespace ClusterAspire.Replica.Tests.Model;

/// <summary>
/// The lane under work of all kinds, chosen by a seed: short and asynchronous work, work within work, work that blocks on
/// asynchronous work, work that fails; callers that leave; a lane that ends in the middle of it.
/// </summary>
public sealed class ComputeLaneModelTests
{
    private const int Seeds = 60;
    private const int Works = 24;
    private const int Threads = 2;
    private const int QueueLimit = 5;

    [Fact]
    public async Task Whatever_the_order_each_work_runs_once_or_not_at_all_and_every_caller_hears_of_it()
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        for (var seed = 0; seed < Seeds; seed++)
        {
            await PlayAsync(seed, services.GetRequiredService<IMeterFactory>());
        }
    }

    private static async Task PlayAsync(int seed, IMeterFactory meters)
    {
        var random = new Random(seed);
        var options = Options.Create(new ComputeLaneOptions { Threads = Threads, QueueLimit = QueueLimit });
        using var lane = new ComputeLane(options, meters, NullLogger<ComputeLane>.Instance);
        var (running, most) = (0, 0);
        var calls = new List<(Call Call, CancellationTokenSource Leave)>();
        for (var i = 0; i < Works; i++)
        {
            var leave = new CancellationTokenSource();
            var call = new Call();
            calls.Add((call, leave));
            var kind = random.Next(6);
            call.Outcome = RunAsync(lane, call, kind, Enter, Exit, leave.Token);
            switch (random.Next(5))
            {
                case 0:
                    calls[random.Next(calls.Count)].Leave.Cancel();
                    break;
                case 1:
                    await Task.Yield();
                    break;
                case 2 when random.Next(Works) == 0:
                    lane.Dispose();
                    break;
            }
        }

        foreach (var (call, leave) in calls)
        {
            var outcome = await Eventually.InTimeAsync(call.Outcome);
            var ran = Volatile.Read(ref call.Runs);
            Assert.True(ran == (outcome is Outcome.Ran ? 1 : 0) || (outcome is Outcome.Left && ran == 1), $"Seed {seed}: it {outcome}, and ran {ran} times.");
            leave.Dispose();
        }

        await Eventually.IsTrueAsync(() => lane is { Running: 0, QueueLength: 0 });
        Assert.True(most <= Threads, $"Seed {seed}: {most} ran at a time.");
        Assert.False(lane.Health.IsStuck);

        void Enter()
        {
            var now = Interlocked.Increment(ref running);
            for (var seen = most; seen < now && Interlocked.CompareExchange(ref most, now, seen) != seen; seen = most)
            {
            }
        }

        void Exit() => Interlocked.Decrement(ref running);
    }

    private static async Task<Outcome> RunAsync(ComputeLane lane, Call call, int kind, Action enter, Action exit, CancellationToken leave)
    {
        try
        {
            // A token of its own would end work that has begun; the lane's is enough to see whether it has.
            await lane.RunAsync(
                async token =>
                {
                    Interlocked.Increment(ref call.Runs);
                    enter();
                    try
                    {
                        await WorkAsync(lane, kind);
                    }
                    finally
                    {
                        exit();
                    }
                },
                leave);
            return Outcome.Ran;
        }
        catch (ComputeLaneFullException)
        {
            return Outcome.Refused;
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            return Outcome.Left;
        }
        catch (InvalidOperationException)
        {
            return Outcome.Ran;
        }
    }

    private static async Task WorkAsync(ComputeLane lane, int kind)
    {
        switch (kind)
        {
            case 0:
                Thread.SpinWait(1000);
                break;
            case 1:
                await Task.Yield();
                await Task.Delay(1, CancellationToken.None);
                break;
            case 2:
                await lane.RunAsync(_ => Thread.SpinWait(100), CancellationToken.None);
                break;
            case 3:
                // What nobody should do, and many do.
                lane.RunAsync(async _ => await Task.Delay(1, CancellationToken.None), CancellationToken.None).GetAwaiter().GetResult();
                break;
            case 4:
                await Task.Delay(1, CancellationToken.None).ConfigureAwait(false);
                break;
            default:
                throw new InvalidOperationException("It fails.");
        }
    }

    private enum Outcome
    {
        Ran,
        Refused,
        Left,
    }

    private sealed class Call
    {
        public int Runs;

        public Task<Outcome> Outcome { get; set; } = null!;
    }
}
