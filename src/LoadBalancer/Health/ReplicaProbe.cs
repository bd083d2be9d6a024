using System.Net;
using System.Threading.Channels;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>
/// Probes every replica at <c>/health</c>: each second while it serves, more often while it does not, so that a restarted replica
/// returns to rotation as soon as it answers.
/// </summary>
internal sealed partial class ReplicaProbe(
    UpstreamCatalog replicas,
    UpstreamConnections connections,
    RequestClasses classes,
    ProbeClients clients,
    ComputeQueue queue,
    IClusterDestinationsUpdater destinations,
    AffinityAdvice affinity,
    BalancerEvents events,
    TimeProvider time,
    ILogger<ReplicaProbe> logger) : BackgroundService, IClusterChangeListener
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AwayInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // A replica that answers is not probed more often than this, however many connections break.
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(25);

    // A timer may be early by one tick of the coarse clock (4 ms) and would wake the process in vain.
    private static readonly TimeSpan TimerError = TimeSpan.FromMilliseconds(5);

    // A replica on a busy core may answer late. Three unanswered probes in a row count as a hang.
    private const int TimeoutsAllowed = 2;

    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<DestinationState, ProbeSchedule> _schedules = [];

    // Several reasons to wake up at the same time need one wake-up.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>A connection to the replica was refused: it leaves rotation until it answers a probe.</summary>
    public void Refused(ClusterState cluster, Upstream replica)
    {
        Change(cluster, replica, Schedule(replica.Destination), replica.IsGone(), null);
        // It may accept connections again at any time.
        ProbeNow(replica.Destination);
    }

    /// <summary>A replica that answered nothing before has answered a request: it returns to rotation.</summary>
    public void AnswersAgain(ClusterState cluster, Upstream replica, long answeredAt) =>
        Change(cluster, replica, Schedule(replica.Destination), replica.AnswersAgain(answeredAt), null);

    /// <summary>Probes a replica at once, because a connection to it broke.</summary>
    public void ProbeNow(DestinationState destination)
    {
        Schedule(destination).MakeDue();
        Wake();
    }

    /// <inheritdoc/>
    public void OnClusterAdded(ClusterState cluster) => Wake();

    /// <inheritdoc/>
    public void OnClusterChanged(ClusterState cluster)
    {
        queue.Offer(cluster);
        Wake();
    }

    /// <inheritdoc/>
    public void OnClusterRemoved(ClusterState cluster)
    {
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        do
        {
            try
            {
                timer.Change(BeginProbes(stoppingToken), Timeout.InfiniteTimeSpan);
            }
            catch (Exception e)
            {
                Log.RoundFailed(logger, e);
                timer.Change(Interval, Timeout.InfiniteTimeSpan);
            }
        }
        while (await _wake.Reader.ReadAsync(stoppingToken));
    }

    /// <summary>Begins the probes that are due.</summary>
    /// <returns>The time until the next one is.</returns>
    private TimeSpan BeginProbes(CancellationToken stoppingToken)
    {
        var now = time.GetTimestamp();
        var next = After(Interval);
        foreach (var cluster in replicas.Clusters.Where(cluster => cluster.IsProbed()))
        {
            foreach (var destination in cluster.DestinationsState.AllDestinations)
            {
                var schedule = Schedule(destination);
                if (schedule.TryBegin(now))
                {
                    _ = ProbeAsync(cluster, destination, schedule, stoppingToken);
                }

                next = Math.Min(next, schedule.Due);
            }
        }

        return time.GetElapsedTime(now, Math.Max(now, next)) + TimerError;
    }

    private async Task ProbeAsync(ClusterState cluster, DestinationState destination, ProbeSchedule schedule, CancellationToken stoppingToken)
    {
        var replica = replicas[destination];
        var begun = time.GetTimestamp();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            limit.CancelAfter(Limit);
            using var request = new HttpRequestMessage(HttpMethod.Get, Address(cluster, destination))
            {
                Version = HttpVersion.Version11,
            };
            using var response = await clients[cluster].SendAsync(request, limit.Token);
            var answer = await ProbeAnswer.ReadAsync(response, limit.Token);
            schedule.Timeouts = 0;
            replica.Answered(begun, time.GetTimestamp());
            if (answer.Serves)
            {
                connections.Offer(replica, answer.Report.Link);
            }

            affinity.Heard(cluster, answer.Report.KeptOfClients);
            Change(cluster, replica, schedule, answer.Serves ? replica.Serves(answer.Report) : replica.Refuses(answer.Report), answer.Problem);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException { InnerException: OperationCanceledException })
        {
            // A replica that answers requests is alive and only too busy for the probe.
            schedule.Timeouts = replica.AnsweredAt >= begun ? 0 : schedule.Timeouts + 1;
            if (schedule.Timeouts > TimeoutsAllowed)
            {
                Silent(cluster, replica, schedule);
            }
        }
        catch (Forwarding.Http1.OutOfResourcesException)
        {
            // This process could not probe, which says nothing about the replica.
        }
        catch (Exception e)
        {
            // A failure must not end the probing: the next probe follows.
            Change(cluster, replica, schedule, replica.IsGone(), e.Message);
        }
        finally
        {
            classes.Probed(cluster);
            schedule.End(After(replica.State is ReplicaState.Ready or ReplicaState.Busy ? Interval : AwayInterval));
            Wake();
        }
    }

    private void Silent(ClusterState cluster, Upstream replica, ProbeSchedule schedule)
    {
        Change(cluster, replica, schedule, replica.BecomesSilent(), $"it has answered nothing for {TimeoutsAllowed + 1} probes of {Limit.TotalSeconds} s");
        // After the change, so that repeated requests do not go to this replica. And after each further probe, because a request that
        // was given to it before may have connected since.
        connections.Drop(replica);
    }

    private void Wake() => _wake.Writer.TryWrite(true);

    private ProbeSchedule Schedule(DestinationState destination) =>
        _schedules.GetValue(destination, _ => new ProbeSchedule(Timestamps(Spacing)));

    // At a multiple of the common pause, so that all probes wake the process together.
    private long After(TimeSpan pause)
    {
        var length = Timestamps(pause);
        return ((time.GetTimestamp() / length) + 1) * length;
    }

    private long Timestamps(TimeSpan length) => (long)(length.TotalSeconds * time.TimestampFrequency);

    private static Uri Address(ClusterState cluster, DestinationState destination)
    {
        var config = destination.Model.Config;
        var path = cluster.Model.Config.HealthCheck?.Active?.Path ?? "/health";
        return new Uri(new Uri(config.Health ?? config.Address), path);
    }

    private void Change(ClusterState cluster, Upstream replica, ProbeSchedule schedule, bool changed, string? problem)
    {
        if (changed)
        {
            Log.Changed(logger, replica.Name, replica.State);
            events.Changed(replica);
            destinations.UpdateAvailableDestinations(cluster);
            // A replica that looks unhealthy may bring others that look unhealthy into rotation.
            queue.Offer(cluster);
        }

        if (problem is not null && problem != schedule.Problem)
        {
            Log.Problem(logger, replica.Name, Address(cluster, replica.Destination), problem, replica.State);
        }

        schedule.Problem = problem;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Replica} is {State}")]
        public static partial void Changed(ILogger logger, string replica, ReplicaState state);

        [LoggerMessage(LogLevel.Warning, "{Replica} was asked for {Address}: {Problem}. It is {State}.")]
        public static partial void Problem(ILogger logger, string replica, Uri address, string problem, ReplicaState state);

        [LoggerMessage(LogLevel.Error, "Looking for replicas to probe failed.")]
        public static partial void RoundFailed(ILogger logger, Exception exception);
    }
}
