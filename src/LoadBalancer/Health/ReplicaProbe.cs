using System.Net;
using System.Text.Json;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer;

/// <summary>
/// Asks every replica for <c>/health</c>: each second while it serves, more often while it is away, so that a
/// restarted one is back in rotation as soon as it answers.
/// </summary>
internal sealed partial class ReplicaProbe(
    ReplicaCatalog replicas,
    ComputeQueue queue,
    IClusterDestinationsUpdater destinations,
    BalancerEvents events,
    TimeProvider time,
    ILogger<ReplicaProbe> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AwayInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    // A core that is merely busy may answer late; three in a row is a hang.
    private const int TimeoutsAllowed = 2;

    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<DestinationState, ProbeSchedule> _schedules = [];

    /// <summary>A connection to the replica was refused: it leaves rotation until it answers a probe.</summary>
    public void Refused(ClusterState cluster, Replica replica) => Change(cluster, replica, replica.IsGone());

    /// <summary>A connection broke: ask the replica at once whether it is still there.</summary>
    public void Suspect(DestinationState destination) => _schedules.GetOrCreateValue(destination).Hurry();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(AwayInterval, time);
        do
        {
            foreach (var cluster in replicas.Clusters)
            {
                foreach (var destination in cluster.DestinationsState.AllDestinations)
                {
                    var schedule = _schedules.GetOrCreateValue(destination);
                    if (schedule.TryBegin(time.GetTimestamp()))
                    {
                        _ = ProbeAsync(cluster, destination, schedule, stoppingToken);
                    }
                }
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task ProbeAsync(ClusterState cluster, DestinationState destination, ProbeSchedule schedule, CancellationToken stoppingToken)
    {
        var replica = replicas[destination];
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            limit.CancelAfter(Timeout);
            using var request = new HttpRequestMessage(HttpMethod.Get, Address(cluster, destination))
            {
                Version = HttpVersion.Version11,
            };
            using var response = await cluster.Model.HttpClient.SendAsync(request, limit.Token);
            var report = await ReadAsync(response, limit.Token);
            schedule.Timeouts = 0;

            // A service without health checks answers 404: it serves, it only has nothing to say of itself.
            Change(cluster, replica, (int)response.StatusCode < 500 ? replica.Serves(report) : replica.Refuses(report));
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
            var pause = replica.State is ReplicaState.Ready or ReplicaState.Busy ? Interval : AwayInterval;
            schedule.End(time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency));
        }
    }

    private static Uri Address(ClusterState cluster, DestinationState destination)
    {
        var config = destination.Model.Config;
        var path = cluster.Model.Config.HealthCheck?.Active?.Path ?? "/health";
        return new Uri(new Uri(config.Health ?? config.Address), path);
    }

    private static async Task<HealthReport> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await response.Content.LoadIntoBufferAsync(64 * 1024, cancellationToken);
            return response.Content.Headers.ContentType?.MediaType is "application/json"
                ? await response.Content.ReadFromJsonAsync<HealthReport>(cancellationToken) ?? new()
                : new();
        }
        catch (JsonException)
        {
            return new();
        }
    }

    private void Change(ClusterState cluster, Replica replica, bool changed)
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
