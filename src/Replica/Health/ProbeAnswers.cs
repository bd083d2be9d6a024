using System.Text;
using System.Text.Json;
using ClusterAspire.Contract;
using ClusterAspire.Replica.Draining;
using ClusterAspire.Replica.Identity;
using ClusterAspire.Replica.Lane;
using ClusterAspire.Replica.Link;
using Microsoft.Extensions.Diagnostics.HealthChecks;

#pragma warning disable VSTHRD002 // On the thread for probes, which does nothing else.
namespace ClusterAspire.Replica.Health;

/// <summary>What <c>/health</c> and <c>/alive</c> answer.</summary>
/// <remarks>
/// The health checks run on the thread pool. When they do not finish within <see cref="HealthCheckWait"/>, their last result is used: a
/// process that is only busy is neither dead nor unhealthy.
/// </remarks>
internal sealed class ProbeAnswers(HealthCheckService checks, ReplicaIdentity replica, Drain drain, ComputeLane lane, Lazy<ComputeRoutes> routes, LinkServer links, ClientState clients)
{
    /// <summary>How long a probe waits for the health checks; less than those wait who probe.</summary>
    private static readonly TimeSpan HealthCheckWait = TimeSpan.FromMilliseconds(300);

    private readonly Check _health = new(() => checks.CheckHealthAsync(null));
    private readonly Check _alive = new(() => checks.CheckHealthAsync(IsLive));

    /// <summary>Whether a health check belongs to <c>/alive</c>.</summary>
    public static bool IsLive(HealthCheckRegistration check) => check.Tags.Contains("live");

    /// <summary>What this replica says of itself.</summary>
    public ReplicaHealth Of(HealthStatus report)
    {
        var health = lane.Health;
        var status =
            drain.IsDraining ? ReplicaHealth.Draining
            // It still serves light requests.
            : health.IsStuck && report is HealthStatus.Healthy ? nameof(HealthStatus.Degraded)
            : report.ToString();
        return new(status, replica.Name, replica.Pid, replica.Container, replica.Core, replica.Cores, replica.StartedAt, routes.Value.All, health, links.Offer, clients.Kept);
    }

    /// <summary>The whole answer to a probe, as it goes over the wire.</summary>
    /// <param name="probe">The probe.</param>
    /// <param name="closes">Whether the connection is to be closed after it.</param>
    public byte[] To(ProbeRequest probe, out bool closes)
    {
        closes = probe.Closes || drain.IsDraining;
        var status = (probe.IsAlive ? _alive : _health).Status();
        var body = probe.IsAlive ? Encoding.ASCII.GetBytes(status.ToString()) : JsonSerializer.SerializeToUtf8Bytes(Of(status), HealthJson.Default.ReplicaHealth);
        var head = $"HTTP/1.1 {(status is HealthStatus.Unhealthy ? "503 Service Unavailable" : "200 OK")}\r\n"
            + $"Content-Type: {(probe.IsAlive ? "text/plain" : "application/json")}\r\nContent-Length: {body.Length}\r\n"
            + $"Cache-Control: no-store, no-cache\r\nDate: {DateTimeOffset.UtcNow:R}\r\n{(closes ? "Connection: close\r\n" : "")}\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    private sealed class Check(Func<Task<HealthReport>> check)
    {
        private readonly Lock _lock = new();
        private Task<HealthReport>? _running;
        private HealthStatus _last = HealthStatus.Healthy;

        public HealthStatus Status()
        {
            lock (_lock)
            {
                _running ??= Task.Run(check);
                try
                {
                    if (_running.Wait(HealthCheckWait))
                    {
                        (_last, _running) = (_running.Result.Status, null);
                    }
                }
                catch (AggregateException)
                {
                    (_last, _running) = (HealthStatus.Unhealthy, null);
                }

                return _last;
            }
        }
    }
}
