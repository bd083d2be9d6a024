using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Contract;
using ClusterAspire.Hosting.Replicas;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.Hosting.Status;

/// <summary>Shows each replica's latencies of the last 10 s on its row, as the load balancer's <c>/api/replicas</c> gives them.</summary>
internal sealed class ReplicaLatencies(DistributedApplicationModel model, ResourceNotificationService notifications) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(
            from service in model.Resources.OfType<ReplicatedService>()
            where service.LoadBalancer is not null
            select KeepShowingAsync(service, service.LoadBalancer!.Plan.AdminUrl, stoppingToken));
    }

    private async Task KeepShowingAsync(ReplicatedService service, Uri adminUrl, CancellationToken stoppingToken)
    {
        using var http = LoopbackHttp.CreateForAdmin(Interval, adminUrl);
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await ShowAsync(service, http, stoppingToken);
        }
    }

    private async Task ShowAsync(ReplicatedService service, HttpClient http, CancellationToken stoppingToken)
    {
        try
        {
            var statuses = await http.GetFromJsonAsync("api/replicas", ContractJson.Default.ReplicaStatusArray, stoppingToken) ?? [];
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
            // The load balancer does not run at the moment: the last figures stay.
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
