using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.Hosting;

/// <summary>
/// Keeps a service's own state: running as soon as one replica is healthy and each that starts has been or has ended once.
/// One replica that cannot start does not keep the load balancer waiting.
/// </summary>
internal sealed class ReplicatedServiceStatus(ReplicatedService service)
{
    private const string Ready = "Ready";

    private readonly Dictionary<IResource, ReplicatedService.Replica> _replicas = service.Replicas.ToDictionary(replica => replica.Resource);
    private readonly HashSet<IResource> _awaited = [.. service.Replicas.Take(service.Started).Select(replica => replica.Resource)];
    private readonly HashSet<IResource> _healthy = [];
    private (ResourceStateSnapshot State, string Ready) _last;

    /// <summary>Starts to keep the state; the replicas have been added.</summary>
    public static Task KeepAsync(ReplicatedService service, InitializeResourceEvent initialize, CancellationToken _)
    {
        var stopping = initialize.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        return new ReplicatedServiceStatus(service).KeepAsync(initialize.Notifications, stopping);
    }

    internal async Task KeepAsync(ResourceNotificationService notifications, CancellationToken stopping)
    {
        try
        {
            await foreach (var change in notifications.WatchAsync(stopping))
            {
                if (_replicas.ContainsKey(change.Resource) && Note(change) is { } now)
                {
                    await notifications.PublishUpdateAsync(service, last => last with
                    {
                        State = now.State,
                        Properties = [.. last.Properties.Where(property => property.Name != Ready), new(Ready, now.Ready) { IsHighlighted = true }],
                    });
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The application ends.
        }
    }

    private (ResourceStateSnapshot State, string Ready)? Note(ResourceEvent change)
    {
        var isHealthy = change.Snapshot.HealthStatus is HealthStatus.Healthy;
        _ = isHealthy ? _healthy.Add(change.Resource) : _healthy.Remove(change.Resource);
        if (isHealthy || KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text))
        {
            _awaited.Remove(change.Resource);
        }

        var now = (State(), $"{_healthy.Count} of {service.Replicas.Count}");
        if (now == _last)
        {
            return null;
        }

        return _last = now;
    }

    private ResourceStateSnapshot State() =>
        _healthy.Count > 0 && _awaited.Count is 0 ? new(KnownResourceStates.Running, KnownResourceStateStyles.Success)
        : new(KnownResourceStates.Starting, KnownResourceStateStyles.Info);
}
