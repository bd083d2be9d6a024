using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Terminal;

/// <summary>The output as programs read it: an object of JSON for each line, with its time, its level and who wrote it.</summary>
internal sealed class JsonLines(TextWriter writer) : IClusterOutput
{
    private const string Supervisor = "supervisor";

    // The output is not HTML, so nothing needs to be escaped for it.
    private static readonly JsonSerializerOptions Readable = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Line(string workload, string line) => Write("information", workload, line);

    public void Say(string message) => Write("information", Supervisor, message);

    public void Warn(string message) => Write("warning", Supervisor, message);

    public void Ready(ClusterPlan plan) =>
        Write("information", Supervisor, $"{plan.Name} serves at {string.Join(", ", [plan.LoadBalancer.Url.GetLeftPart(UriPartial.Authority), .. plan.LoadBalancer.Listen])}, live page at {plan.LoadBalancer.AdminUrl.GetLeftPart(UriPartial.Authority)}.");

    private void Write(string level, string source, string message) =>
        writer.WriteLine(JsonSerializer.Serialize(new { Time = DateTimeOffset.UtcNow, Level = level, Source = source, Message = message }, Readable));
}
