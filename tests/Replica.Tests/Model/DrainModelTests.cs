using System.Runtime.InteropServices;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Supervision;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ClusterAspire.Replica.Tests.Model;

/// <summary>The way out under orders of signals and times that a seed chooses, with a supervisor and without.</summary>
public sealed class DrainModelTests
{
    private const int Seeds = 2000;
    private const int Steps = 20;
    private const double Delay = 5;

    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];

    [Fact]
    public void Whatever_the_order_it_drains_once_for_its_whole_delay_and_ends_early_only_by_a_second_signal()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            Play(seed);
        }
    }

    private static void Play(int seed)
    {
        var random = new Random(seed);
        var time = new FakeTimeProvider();
        using var application = new Application();
        var supervised = random.Next(2) == 0;
        var exits = new List<int>();
        var drain = new Drain(application, Options.Create(new DrainOptions { Delay = Delay, Timeout = 10 }), Options.Create(new HostOptions()), time, NullLogger<Drain>.Instance);
        using var lifetime = new SignalLifetime(drain, Options.Create(new SupervisorOptions { Pid = supervised ? 1 : null }), time, NullLogger<SignalLifetime>.Instance) { Exit = exits.Add };

        var (now, begun) = (0.0, (double?)null);
        for (var step = 0; step < Steps; step++)
        {
            switch (random.Next(3))
            {
                case 0:
                    var signal = Signals[random.Next(Signals.Length)];
                    var ends = begun is { } first && !supervised && signal is not PosixSignal.SIGHUP && now - first > 1 ? 1 : 0;
                    var before = exits.Count;
                    lifetime.OnSignal(signal);
                    if (!supervised || signal is PosixSignal.SIGTERM)
                    {
                        begun ??= now;
                    }

                    Require(exits.Count == before + ends, "a second signal ends it at once, and no other does");
                    break;
                case 1:
                    var passes = random.NextDouble() * 2;
                    time.Advance(TimeSpan.FromSeconds(passes));
                    now += passes;
                    break;
            }

            Require(drain.IsDraining == begun is not null, "it says that it drains from the first signal on");
            if (begun is null || now - begun < Delay - 0.001)
            {
                Require(application.Stops == 0, "it serves until the delay is over");
            }
        }

        time.Advance(TimeSpan.FromSeconds(Delay));
        // What follows a timer runs on the thread pool.
        Require(begun is null ? application.Stops == 0 : SpinWait.SpinUntil(() => application.Stops == 1, Eventually.Limit), "it stops once, after the delay");

        void Require(bool holds, string what) => Assert.True(holds, $"Seed {seed}: not so: {what}.");
    }

    private sealed class Application : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();
        private int _stops;

        public int Stops => Volatile.Read(ref _stops);

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => Interlocked.Increment(ref _stops);

        public void Dispose() => _stopping.Dispose();
    }
}
