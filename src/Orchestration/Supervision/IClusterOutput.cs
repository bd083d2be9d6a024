using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>What the user sees of a running cluster. Called from any thread.</summary>
public interface IClusterOutput
{
    /// <summary>A line that a replica or the load balancer wrote.</summary>
    /// <param name="workload">Its name.</param>
    /// <param name="line">The line.</param>
    void Line(string workload, string line);

    /// <summary>Something expected happened.</summary>
    void Say(string message);

    /// <summary>Something happened that the user should know of.</summary>
    void Warn(string message);

    /// <summary>The cluster serves.</summary>
    /// <param name="plan">The plan, with the URLs to show.</param>
    void Ready(ClusterPlan plan);
}
