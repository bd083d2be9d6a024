using System.Globalization;

namespace ClusterAspire.Runner.Control;

/// <summary>A line of a replica or of the load balancer, or something that happened to one.</summary>
/// <param name="Time">When.</param>
/// <param name="Workload">Who wrote it; null for what the supervisor says.</param>
/// <param name="Text">The line.</param>
internal sealed record LogEntry(DateTimeOffset Time, string? Workload, string Text)
{
    /// <summary>The text that <c>logs</c> and <c>events</c> show.</summary>
    public override string ToString() =>
        $"{Time.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)} {(Workload is null ? "" : $"{Workload} | ")}{Text}";
}
