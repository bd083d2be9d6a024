using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Control;

/// <summary>What <c>status</c> tells of a cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pid">The runner's process id.</param>
/// <param name="StartedAt">When the runner started.</param>
/// <param name="Urls">Where clients connect.</param>
/// <param name="AdminUrl">Where the live page is.</param>
/// <param name="Service">The program that is replicated, or the image.</param>
/// <param name="Workloads">The replicas and the load balancer.</param>
internal sealed record ClusterStatus(
    string Name,
    int Pid,
    DateTimeOffset StartedAt,
    IReadOnlyList<string> Urls,
    string AdminUrl,
    string Service,
    IReadOnlyList<WorkloadStatus> Workloads);
