using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Restarts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.Hosting.Status;

/// <summary>
/// Keeps the state of a service's row. It is running when one replica is healthy and each of the others has been healthy or has ended
/// once, so that a replica which cannot start does not delay the load balancer. It is exited when all were asked to stop.
/// </summary>
internal sealed class ReplicatedServiceStatus(ReplicatedService service, Restarter restarter)
{
    private readonly HashSet<IResource> _replicas = [.. service.Replicas.Select(replica => replica.Resource)];
    private readonly HashSet<IResource> _awaited = [.. service.Replicas.Take(service.Started).Select(replica => replica.Resource)];
    private readonly HashSet<IResource> _healthy = [];
    private readonly HashSet<IResource> _stopped = [.. service.Replicas.Skip(service.Started).Select(replica => replica.Resource)];
    private (string State, int Healthy) _last;

    /// <summary>Starts to keep the row; the replicas have been added.</summary>
    public static Task KeepAsync(ReplicatedService service, InitializeResourceEvent initialize, CancellationToken _)
    {
        var stopping = initialize.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        return new ReplicatedServiceStatus(service, initialize.Services.GetRequiredService<Restarter>()).KeepAsync(initialize.Notifications, stopping);
    }

    internal async Task KeepAsync(ResourceNotificationService notifications, CancellationToken stopping)
    {
        try
        {
            await notifications.PublishUpdateAsync(service, last => last with { Urls = [.. Urls()], Properties = last.Properties.With(CustomResourceKnownProperties.Source, Counted()) });
            await foreach (var change in notifications.WatchAsync(stopping))
            {
                if (_replicas.Contains(change.Resource) && Changes(change))
                {
                    await notifications.PublishUpdateAsync(service, last => last with
                    {
                        State = new(_last.State, _last.State == KnownResourceStates.Running ? KnownResourceStateStyles.Success : KnownResourceStateStyles.Info),
                        Properties = last.Properties.With(CustomResourceKnownProperties.Source, Counted()),
                    });
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The application ends.
        }
    }

    // The dashboard's column Source.
    private string Counted() => $"{_healthy.Count} of {service.Replicas.Count} replicas";

    private IEnumerable<UrlSnapshot> Urls() => service.LoadBalancer is not { } balancer ? [] :
    [
        new("http", balancer.Plan.Url.GetLeftPart(UriPartial.Authority), IsInternal: false) { DisplayProperties = new("Service", 1) },
        new("admin", balancer.Plan.AdminUrl.GetLeftPart(UriPartial.Authority), IsInternal: false) { DisplayProperties = new("Live page", 0) },
    ];

    private bool Changes(ResourceEvent change)
    {
        var isHealthy = change.Snapshot.HealthStatus is HealthStatus.Healthy;
        var isDown = KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text);
        _ = isHealthy ? _healthy.Add(change.Resource) : _healthy.Remove(change.Resource);
        _ = isDown && !restarter.Restarts(change.Resource) ? _stopped.Add(change.Resource)
            : isDown || change.Snapshot.State?.Text == KnownResourceStates.NotStarted || _stopped.Remove(change.Resource);
        if (isHealthy || isDown)
        {
            _awaited.Remove(change.Resource);
        }

        var now = (State(), _healthy.Count);
        var changes = now != _last;
        _last = now;
        return changes;
    }

    private string State() =>
        _healthy.Count > 0 && _awaited.Count is 0 ? KnownResourceStates.Running
        : _stopped.Count == _replicas.Count ? KnownResourceStates.Exited
        : KnownResourceStates.Starting;
}
