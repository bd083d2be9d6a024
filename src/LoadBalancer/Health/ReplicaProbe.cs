using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>
/// Asks every replica for <c>/health</c>: each second while it serves, more often while it is away, so that a
/// restarted one is back in rotation as soon as it answers. Between probes it sleeps.
/// </summary>
internal sealed partial class ReplicaProbe(
    UpstreamCatalog replicas,
    ComputeQueue queue,
    IClusterDestinationsUpdater destinations,
    BalancerEvents events,
    TimeProvider time,
    ILogger<ReplicaProbe> logger) : BackgroundService, IClusterChangeListener
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AwayInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // However many connections break, a replica that answers is not asked more often.
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(25);

    // A timer may be early by a tick of the coarse clock it goes by, 4 ms, and would wake the process for nothing.
    private static readonly TimeSpan TimerError = TimeSpan.FromMilliseconds(5);

    // A core that is merely busy may answer late; three in a row is a hang.
    private const int TimeoutsAllowed = 2;

    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<DestinationState, ProbeSchedule> _schedules = [];

    // Many reasons to wake are one.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>A connection to the replica was refused: it leaves rotation until it answers a probe.</summary>
    public void Refused(ClusterState cluster, Upstream replica)
    {
        Change(cluster, replica, replica.IsGone());
        // Not when the next probe of a replica that serves would have been: from now on it may be back at any time.
        Suspect(replica.Destination);
    }

    /// <summary>A connection broke: ask the replica at once whether it is still there.</summary>
    public void Suspect(DestinationState destination)
    {
        Schedule(destination).Hurry();
        Wake();
    }

    /// <inheritdoc/>
    public void OnClusterAdded(ClusterState cluster) => Wake();

    /// <inheritdoc/>
    public void OnClusterChanged(ClusterState cluster) => Wake();

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
            timer.Change(BeginProbes(stoppingToken), Timeout.InfiniteTimeSpan);
        }
        while (await _wake.Reader.ReadAsync(stoppingToken));
    }

    /// <summary>Begins the probes that are due.</summary>
    /// <returns>The time until the next one is.</returns>
    private TimeSpan BeginProbes(CancellationToken stoppingToken)
    {
        var now = time.GetTimestamp();
        var next = After(Interval);
        foreach (var cluster in replicas.Clusters)
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
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            limit.CancelAfter(Limit);
            using var request = new HttpRequestMessage(HttpMethod.Get, Address(cluster, destination))
            {
                Version = HttpVersion.Version11,
            };
            using var response = await cluster.Model.HttpClient.SendAsync(request, limit.Token);
            var report = await ReadAsync(response, limit.Token);
            schedule.Timeouts = 0;

            Change(cluster, replica, Probes.Serves((int)response.StatusCode) ? replica.Serves(report) : replica.Refuses(report));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (OperationCanceledException)
        {
            Change(cluster, replica, ++schedule.Timeouts > TimeoutsAllowed && replica.IsGone());
        }
        catch (HttpRequestException)
        {
            Change(cluster, replica, replica.IsGone());
        }
        finally
        {
            schedule.End(After(replica.State is ReplicaState.Ready or ReplicaState.Busy ? Interval : AwayInterval));
            Wake();
        }
    }

    private void Wake() => _wake.Writer.TryWrite(true);

    private ProbeSchedule Schedule(DestinationState destination) =>
        _schedules.GetValue(destination, _ => new ProbeSchedule(Timestamps(Spacing)));

    // At a multiple of the pause, which is the same for all: they wake the process once, not once each.
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

    private static async Task<ReplicaHealth> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await response.Content.LoadIntoBufferAsync(64 * 1024, cancellationToken);
            return response.Content.Headers.ContentType?.MediaType is "application/json"
                ? await response.Content.ReadFromJsonAsync<ReplicaHealth>(cancellationToken) ?? new()
                : new();
        }
        catch (JsonException)
        {
            return new();
        }
    }

    private void Change(ClusterState cluster, Upstream replica, bool changed)
    {
        if (!changed)
        {
            return;
        }

        Log.Changed(logger, replica.Name, replica.State);
        events.Changed(replica);
        destinations.UpdateAvailableDestinations(cluster);
        if (replica.IsAvailable)
        {
            queue.Offer(replica.Destination);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Replica} is {State}")]
        public static partial void Changed(ILogger logger, string replica, ReplicaState state);
    }
}
