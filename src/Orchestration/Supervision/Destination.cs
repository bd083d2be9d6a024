namespace ClusterAspire.Orchestration.Supervision;

/// <summary>A replica as the load balancer is told of it.</summary>
/// <param name="Id">What YARP calls it.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="IsNew">Whether it came by the present change.</param>
/// <param name="Leaves">Whether it is to finish what it has and get nothing new.</param>
internal sealed record Destination(string Id, string Name, string Address, bool IsNew, bool Leaves);
