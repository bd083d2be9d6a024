using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Tests.Model;

/// <summary>
/// The queue and the slots under orders of events that a seed chooses: requests come, end, fail and are tried again, are given up
/// and time out; replicas are lost, get stuck and come back; the proxy and the queue hear of it late.
/// </summary>
public sealed class ComputeQueueModelTests
{
    private const int Seeds = 1000;
    private const int Steps = 80;

    [Fact]
    public void Whatever_the_order_no_slot_leaks_or_is_used_twice_and_nobody_waits_while_one_is_free()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            new Run(seed).Play();
        }
    }

    private sealed class Run
    {
        private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(5);

        private readonly int _seed;
        private readonly Random _random;
        private readonly ChosenOrder _order = new();
        private readonly FakeTimeProvider _time = new();
        private readonly TestCluster _cluster;
        private readonly ComputeQueue _queue;
        private readonly List<Request> _requests = [];

        // What has happened and has not been told yet: to the proxy's list, and to the queue.
        private readonly List<Action> _news = [];
        private readonly int[] _cores;

        public Run(int seed)
        {
            (_seed, _random) = (seed, new(seed));
            _cluster = new(3, _time, ReadyDestinationsPolicy.PolicyName);
            _cores = [1, 1, 2];
            _queue = new(
                _cluster.Catalog,
                new CoreAwarePolicy(_cluster.Catalog),
                new ReadyDestinationsPolicy(_cluster.Catalog),
                Options.Create(new LoadBalancerOptions { ComputeQueueLimit = 4, ComputeQueueTimeout = QueueTimeout.TotalSeconds }),
                _time);
            for (var i = 0; i < _cores.Length; i++)
            {
                Serve(i, stuck: false);
            }
        }

        public void Play()
        {
            for (var step = 0; step < Steps; step++)
            {
                Act();
                Check();
            }

            Settle();
            foreach (var request in _requests.Where(request => request.Outcome is null).ToList())
            {
                request.Cancellation.Cancel();
                request.End?.TrySetResult(true);
                Settle();
            }

            Check();
            Require(_requests.TrueForAll(request => request.Outcome is not null), "every request has ended");
            Require(_queue.Length == 0, "the queue is empty");
            Require(Slots().All(used => used == 0), "every slot is free");
            Require(
                _requests.Sum(request => request.Dispatched) == _requests.Sum(request => request.Completed + request.Failed + request.Aborted),
                "dispatched = completed + failed + aborted");
        }

        private void Act()
        {
            var holding = _requests.Where(request => request.End is not null).ToList();
            var waiting = _requests.Where(request => request.IsWaiting).ToList();
            switch (_random.Next(10))
            {
                case 0 or 1 or 2:
                    var request = new Request(_cluster.State);
                    _requests.Add(request);
                    _order.Run(() => _ = request.RunAsync(_queue));
                    break;
                case 3 or 4 when holding.Count > 0:
                    var ends = holding[_random.Next(holding.Count)];
                    _order.Run(() => ends.End!.TrySetResult(_random.Next(3) > 0));
                    break;
                case 5 when waiting.Count + holding.Count > 0:
                    var leaves = ((List<Request>)[.. waiting, .. holding])[_random.Next(waiting.Count + holding.Count)];
                    leaves.Cancellation.Cancel();
                    break;
                case 6:
                    _time.Advance(QueueTimeout / _random.Next(1, 5));
                    break;
                case 7:
                    Lose(_random.Next(_cores.Length));
                    break;
                case 8:
                    Serve(_random.Next(_cores.Length), stuck: _random.Next(4) == 0);
                    break;
                default:
                    Continue();
                    break;
            }
        }

        private void Lose(int replica)
        {
            _ = _random.Next(3) switch
            {
                0 => _cluster[replica].IsGone(),
                1 => _cluster[replica].BecomesSilent(),
                _ => _cluster[replica].Refuses(new(ReplicaHealth.Draining)),
            };
            Tell();
        }

        private void Serve(int replica, bool stuck)
        {
            _cluster[replica].Serves(new(Cores: _cores[replica], Lane: new(1, 0, null, stuck)));
            Tell();
        }

        // As the probe does: the proxy's list and the queue, which may be overtaken by others' news.
        private void Tell()
        {
            var ready = _cluster.Destinations.Where(destination => _cluster.Catalog[destination].IsAvailable).ToList();
            _news.Add(() => _cluster.Rotation(ready));
            _news.Add(() => _queue.Offer(_cluster.State));
        }

        /// <summary>Lets one thing go on that could.</summary>
        private bool Continue()
        {
            WaitForPool();
            if (_news.Count > 0 && (_order.Count == 0 || _random.Next(2) == 0))
            {
                var index = _random.Next(_news.Count);
                var news = _news[index];
                _news.RemoveAt(index);
                _order.Run(news);
                return true;
            }

            if (_order.Count > 0)
            {
                _order.RunOne(_random);
                return true;
            }

            return false;
        }

        private void Settle()
        {
            while (Continue())
            {
            }
        }

        // A slot is handed over by way of the thread pool; from there it comes to where the order is chosen.
        private void WaitForPool() => Require(
            SpinWait.SpinUntil(() => _order.Count >= _requests.Count(request => request.IsWaiting && request.Wait!.Slot.Task.IsCompleted), Eventually.Limit),
            "who was given a slot goes on");

        private void Check()
        {
            for (var i = 0; i < _cores.Length; i++)
            {
                Require(_cluster[i].ComputeInFlight <= _cores[i], $"replica {i} has no more slots in use than it has");
            }

            WaitForPool();
            if (_order.Count > 0 || _news.Count > 0)
            {
                return;
            }

            // All is told: what everybody does is what the slots and the queue say.
            Require(_queue.Length == _requests.Count(request => request.IsWaiting), "as many wait as the queue says");
            for (var i = 0; i < _cores.Length; i++)
            {
                var held = _requests.Count(request => request.Lease?.Destination == _cluster.Destinations[i]);
                Require(_cluster[i].ComputeInFlight == held, $"replica {i} has {held} slots in use");
            }

            var rotation = new ReadyDestinationsPolicy(_cluster.Catalog).Of(_cluster.Destinations);
            foreach (var waiting in _requests.Where(request => request.IsWaiting))
            {
                Require(
                    !rotation.Any(destination => _cluster.Catalog[destination].HasFreeSlot && !waiting.Failures.Contains(destination)),
                    "nobody waits while a slot is free");
            }
        }

        private IEnumerable<int> Slots() => _cores.Select((_, i) => _cluster[i].ComputeInFlight);

        private void Require(bool holds, string what) => Assert.True(holds, $"Seed {_seed}: not so: {what}.");
    }

    private sealed class Request(ClusterState cluster)
    {
        public CancellationTokenSource Cancellation { get; } = new();

        public List<DestinationState> Failures { get; } = [];

        public ComputeWait? Wait { get; private set; }

        public bool IsWaiting { get; private set; }

        public ComputeLease? Lease { get; private set; }

        public TaskCompletionSource<bool>? End { get; private set; }

        public string? Outcome { get; private set; }

        public int Dispatched { get; private set; }

        public int Completed { get; private set; }

        public int Failed { get; private set; }

        public int Aborted { get; private set; }

        public async Task RunAsync(ComputeQueue queue)
        {
            try
            {
                while (Outcome is null)
                {
                    Outcome = await TryAsync(queue);
                }
            }
            catch (TimeoutException)
            {
                (IsWaiting, Outcome) = (false, "timed out");
            }
            catch (OperationCanceledException)
            {
                (IsWaiting, Outcome) = (false, "left");
            }
        }

        private async Task<string?> TryAsync(ComputeQueue queue)
        {
            Wait = new(cluster, null, [.. Failures]);
            IsWaiting = true;
            using var lease = await queue.AcquireAsync(Wait, first: Failures.Count > 0, Cancellation.Token);
            IsWaiting = false;
            if (lease is null)
            {
                Assert.Empty(Failures);
                return "refused";
            }

            Dispatched++;
            (Lease, End) = (lease, new());
            using var abort = Cancellation.Token.Register(() => End.TrySetCanceled());
            try
            {
                if (await End.Task)
                {
                    Completed++;
                    return "completed";
                }

                Failed++;
                Failures.Add(lease.Destination);
                return Failures.Count < 2 ? null : "failed";
            }
            catch (OperationCanceledException)
            {
                Aborted++;
                return "aborted";
            }
            finally
            {
                (Lease, End) = (null, null);
            }
        }
    }
}
