using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>A replica that the supervisor has started: one of a name, or, while it is replaced, one of two.</summary>
/// <param name="number">The number that its name ends in.</param>
/// <param name="id">What YARP calls it: never what another was called before.</param>
/// <param name="plan">Where it runs.</param>
/// <param name="workload">Keeps it running.</param>
/// <param name="limits">What any replica may reach.</param>
internal sealed class RunningReplica(int number, string id, ReplicaPlan plan, SupervisedWorkload workload, RestartLimits limits)
{
    public int Number => number;

    public ReplicaPlan Plan => plan;

    public SupervisedWorkload Workload => workload;

    /// <summary>When it is replaced although it serves.</summary>
    public RestartLimits Limits { get; } = limits.ForOne();

    /// <summary>Whether the load balancer knows it.</summary>
    public bool IsInRotation { get; set; }

    /// <summary>Whether it came into rotation by the present change.</summary>
    public bool IsNew { get; set; }

    /// <summary>Whether it is on its way out.</summary>
    public bool Leaves { get; set; }

    public Destination Destination => new(id, plan.Name, plan.Address.GetLeftPart(UriPartial.Authority), IsNew, Leaves);
}
