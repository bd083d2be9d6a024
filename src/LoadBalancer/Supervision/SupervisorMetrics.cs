using System.Diagnostics.Metrics;
using System.Text.Json;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Supervision;

/// <summary>The runner's instruments, exported with the load balancer's: the runner itself has nobody to send them to.</summary>
internal sealed class SupervisorMetrics : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly string? _control;
    private volatile SupervisorFigures? _figures;

    /// <summary>Creates the instruments where there is a runner.</summary>
    public SupervisorMetrics(IOptions<LoadBalancerOptions> options, IMeterFactory meters)
    {
        _control = options.Value.Control is { Length: > 0 } path ? path : null;
        if (_control is null)
        {
            return;
        }

        var meter = meters.Create(BalancerMetrics.Name);
        meter.CreateObservableCounter("clusteraspire.supervisor.reloads", Reloads, "{reload}", "Reloads that were asked for.");
        meter.CreateObservableCounter("clusteraspire.supervisor.restarts", Restarts, "{restart}", "Starts in the place of what has ended or was replaced.");
        meter.CreateObservableGauge("clusteraspire.supervisor.crash_loops", CrashLoops, "{process}", "Replicas and load balancers that end again and again.");
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (_control is not null)
        {
            _figures = await AskAsync(_control, stoppingToken) ?? _figures;
            await Task.Delay(Interval, stoppingToken);
        }
    }

    private static async Task<SupervisorFigures?> AskAsync(string control, CancellationToken cancellationToken)
    {
        await using var connection = await ControlConnection.TryConnectAsync(control, cancellationToken);
        if (connection is not null)
        {
            await foreach (var reply in connection.AskAsync(new("figures", []), cancellationToken))
            {
                if (reply.Text is { } text)
                {
                    return JsonSerializer.Deserialize(text, ContractJson.Default.SupervisorFigures);
                }
            }
        }

        return null;
    }

    private IEnumerable<Measurement<long>> Reloads() => _figures is not { Reloads: var reloads } ? [] :
    [
        new(reloads.Completed),
        // The conventions' error.type is there only where there was an error.
        new(reloads.Failed, new KeyValuePair<string, object?>("error.type", "stopped")),
    ];

    private IEnumerable<Measurement<long>> Restarts() => (_figures?.Restarts ?? []).Select(restarts => new Measurement<long>(
        restarts.Count,
        new("service.instance.id", restarts.Name),
        new("clusteraspire.restart.reason", restarts.Reason)));

    private IEnumerable<Measurement<int>> CrashLoops() => _figures is not { CrashLoops: var loops } ? [] : [new(loops.Count)];
}
