using System.Net.Http.Json;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner;

/// <summary>Passes warnings on to the live page too: exit codes are something only the supervisor sees.</summary>
internal sealed class LivePageReports(IClusterOutput inner, Uri adminUrl) : IClusterOutput, IDisposable
{
    private readonly HttpClient _http = LoopbackHttp.CreateForAdmin(TimeSpan.FromSeconds(2), adminUrl);

    public void Line(string workload, string line) => inner.Line(workload, line);

    public void Say(string message) => inner.Say(message);

    public void Warn(string message)
    {
        inner.Warn(message);
        _ = ReportAsync(message);
    }

    public void Ready(ClusterPlan plan) => inner.Ready(plan);

    public void Dispose() => _http.Dispose();

    private async Task ReportAsync(string text)
    {
        try
        {
            var reported = new ReportedEvent("supervisor", text.Length > ReportedEvent.Longest ? $"{text.AsSpan(0, ReportedEvent.Longest - 1)}…" : text);
            using var response = await _http.PostAsJsonAsync("/api/events", reported, ContractJson.Default.ReportedEvent);
        }
        catch (Exception)
        {
            // Usually the load balancer is not running. The terminal has the warning already.
        }
    }
}
