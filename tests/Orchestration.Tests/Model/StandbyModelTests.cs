using ClusterAspire.Orchestration.Runtime;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Orchestration.Tests.Model;

/// <summary>
/// The hand-over from a run to its standby under orders of events that a seed chooses: runs and standbys die, one after the other
/// or together, starts fail and take their time, the cluster stops at any moment.
/// </summary>
public sealed class StandbyModelTests
{
    private const int Seeds = 60;
    private const int Steps = 15;

    [Fact]
    public async Task Whatever_the_order_one_run_serves_at_a_time_and_nothing_is_left_behind()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            await PlayAsync(seed);
        }
    }

    private static async Task PlayAsync(int seed)
    {
        var random = new Random(seed);
        var time = new FakeTimeProvider();
        var runtime = new ModelRuntime();
        var url = new Uri("http://127.0.0.1:1/");
        using var workload = new SupervisedWorkload(
            new Workload("replica-0", null, null, url, url, new Dictionary<string, string>()),
            runtime,
            standby: true,
            new(TimeSpan.FromMinutes(1), TimeSpan.MaxValue, TimeSpan.FromSeconds(10)),
            (_, _) => Task.FromResult(new ProbeResult(ProbeOutcome.Serves, "200 OK", 200)),
            new RecordedOutput(),
            time) { Traces = new("service") };
        workload.Start();

        for (var step = 0; step < Steps; step++)
        {
            switch (random.Next(6))
            {
                case 0 or 1:
                    runtime.End(run => run.Serves);
                    break;
                case 2:
                    runtime.End(run => !run.Serves);
                    break;
                case 3:
                    runtime.End(_ => true);
                    break;
                case 4:
                    runtime.Failing = random.Next(2) == 0;
                    break;
                default:
                    time.Advance(TimeSpan.FromMilliseconds(random.Next(1, 5000)));
                    await Task.Yield();
                    break;
            }
        }

        runtime.Failing = false;
        if (random.Next(3) > 0)
        {
            // Left alone, one serves and one waits.
            await UntilAsync(() => runtime.Living(serving: true) == 1 && runtime.Living(serving: false) == 1, time, seed);
        }

        var stopping = workload.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        await UntilAsync(() => stopping.IsCompleted, time, seed);
        await stopping;
        Assert.True(runtime.Living(serving: true) + runtime.Living(serving: false) == 0, $"Seed {seed}: something was left behind.");
        Assert.True(runtime.Mistake is null, $"Seed {seed}: {runtime.Mistake}");
    }

    private static async Task UntilAsync(Func<bool> holds, FakeTimeProvider time, int seed)
    {
        for (var limit = DateTime.UtcNow + Eventually.Limit; !holds(); await Task.Delay(1, TestContext.Current.CancellationToken))
        {
            Assert.True(DateTime.UtcNow < limit, $"Seed {seed}: it never came to rest.");
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private sealed class ModelRuntime : IStandbyRuntime
    {
        private readonly List<Run> _runs = [];

        public volatile bool Failing;

        public IReadOnlyList<int>? Cores => null;

        /// <summary>The first thing that must not be, or null.</summary>
        public string? Mistake { get; private set; }

        public async Task<IInstance> StartAsync(Workload workload, Action<string> output, CancellationToken cancellationToken) => await BeginAsync(serves: true);

        public async Task<IStandby> PrepareAsync(Workload workload, Action<string> output, CancellationToken cancellationToken) => await BeginAsync(serves: false);

        public int Living(bool serving)
        {
            lock (_runs)
            {
                return _runs.Count(run => run.Lives && run.Serves == serving);
            }
        }

        public void End(Predicate<Run> which)
        {
            List<Run> ending;
            lock (_runs)
            {
                ending = _runs.FindAll(run => run.Lives && which(run));
            }

            ending.ForEach(run => run.End(137));
        }

        public void Serve(Run serving)
        {
            lock (_runs)
            {
                if (_runs.Exists(run => run != serving && run.Lives && run.Serves))
                {
                    Mistake ??= "two serve at a time";
                }

                serving.Serves = true;
            }
        }

        private async Task<Run> BeginAsync(bool serves)
        {
            await Task.Yield();
            if (Failing)
            {
                throw new ClusterException("it does not start");
            }

            var run = new Run(this);
            lock (_runs)
            {
                if (!serves && _runs.Exists(other => other.Lives && !other.Serves))
                {
                    Mistake ??= "two wait at a time";
                }

                _runs.Add(run);
            }

            if (serves)
            {
                Serve(run);
            }

            return run;
        }
    }

    private sealed class Run(ModelRuntime runtime) : IStandby
    {
        private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public volatile bool Serves;

        public bool Lives => !_exited.Task.IsCompleted;

        public string Id => "a run";

        public int? Core => null;

        public Task<int> Exited => _exited.Task;

        public void End(int code) => _exited.TrySetResult(code);

        public Task ServeAsync()
        {
            runtime.Serve(this);
            return Task.CompletedTask;
        }

        public Task StopAsync() => KillAsync();

        public Task KillAsync()
        {
            End(0);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
