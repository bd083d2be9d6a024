using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Terminal;

/// <summary>What one of several services shows: its name stands before all of it.</summary>
/// <param name="service">Its name.</param>
/// <param name="inner">Where all of it is shown.</param>
internal sealed class NamedOutput(string service, IClusterOutput inner) : IClusterOutput
{
    public void Line(string workload, string line) => inner.Line($"{service}/{workload}", line);

    public void Say(string message) => inner.Say($"{service}: {message}");

    public void Warn(string message) => inner.Warn($"{service}: {message}");

    public void Ready(ClusterPlan plan) => inner.Ready(plan);
}
