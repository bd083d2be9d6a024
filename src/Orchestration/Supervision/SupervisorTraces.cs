using System.Diagnostics;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>The spans of what a supervisor does. They cost nothing while nobody listens.</summary>
/// <param name="service">The service's name, which each span has.</param>
public sealed class SupervisorTraces(string service)
{
    /// <summary>What their source is called.</summary>
    public const string Name = "ClusterAspire.Supervisor";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Something is done to the cluster until this is disposed.</summary>
    /// <param name="operation">What: <c>reload</c>, <c>scale</c>, <c>replace</c>, <c>drain</c>.</param>
    /// <param name="replica">To which replica, or null for several.</param>
    internal Activity? Begin(string operation, string? replica = null) =>
        Source.StartActivity(operation)?.SetTag("clusteraspire.service", service).SetTag("clusteraspire.replica", replica);

    /// <summary>A process starts until this is stopped, which is when it is ready.</summary>
    /// <param name="name">The replica's name, or the load balancer's.</param>
    /// <param name="reason">Why it starts again, a <see cref="Contract.RestartReason"/>; null when it does for the first time.</param>
    internal Activity? BeginStart(string name, string? reason)
    {
        if (reason is not null)
        {
            // It is no part of what started the one before.
            Activity.Current = null;
        }

        var span = Begin("start", name)?.SetTag("clusteraspire.restart.reason", reason);
        // Nor are the probes of a running process parts of its start.
        Activity.Current = null;
        return span;
    }

    /// <summary>It was not done.</summary>
    /// <param name="span">What.</param>
    /// <param name="why">Why not.</param>
    /// <param name="type">What kind of failure it is.</param>
    internal static void Fail(Activity? span, string why, string type) => span?.SetTag("error.type", type).SetStatus(ActivityStatusCode.Error, why);
}
