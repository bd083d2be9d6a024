using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Contract;
using ClusterAspire.Hosting.Replicas;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.Hosting.Status;

/// <summary>Shows each replica's latencies of the last 10 s on its row, as the load balancer's <c>/api/replicas</c> gives them.</summary>
internal sealed class ReplicaLatencies(DistributedApplicationModel model, ResourceNotificationService notifications) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _http.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var services = model.Resources.OfType<ReplicatedService>().Where(service => service.LoadBalancer is not null).ToList();
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await Task.WhenAll(services.Select(service => ShowAsync(service, stoppingToken)));
        }
    }

    private async Task ShowAsync(ReplicatedService service, CancellationToken stoppingToken)
    {
        try
        {
            var statuses = await _http.GetFromJsonAsync(
                new Uri(service.LoadBalancer!.Plan.AdminUrl, "api/replicas"), ContractJson.Default.ReplicaStatusArray, stoppingToken) ?? [];
            foreach (var status in statuses)
            {
                if (service.Replicas.FirstOrDefault(replica => replica.Plan.Name == status.Name) is { } replica)
                {
                    await ShowAsync(replica, status);
                }
            }
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is OperationCanceledException && !stoppingToken.IsCancellationRequested))
        {
            // The load balancer is not there for the moment: the figures stay as they were.
        }
    }

    private Task ShowAsync(ReplicaResource replica, ReplicaStatus status)
    {
        (string Name, double? Milliseconds)[] latencies =
        [
            ("Light p50", status.Light.Last10s.P50),
            ("Light p99", status.Light.Last10s.P99),
            ("Compute p50", status.Compute.Last10s.P50),
            ("Compute p99", status.Compute.Last10s.P99),
        ];
        return notifications.PublishUpdateAsync(replica.Resource, now => now with
        {
            Properties = latencies.Aggregate(now.Properties, (properties, latency) => properties.With(latency.Name, Text(latency.Milliseconds))),
        });
    }

    private static string Text(double? milliseconds) =>
        milliseconds is { } value ? string.Create(CultureInfo.InvariantCulture, $"{value:0.##} ms") : "–";
}
