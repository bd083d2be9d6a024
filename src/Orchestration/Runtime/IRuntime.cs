namespace ClusterAspire.Orchestration.Runtime;

/// <summary>What workloads run in: processes, containers.</summary>
public interface IRuntime
{
    /// <summary>The cores that workloads can be pinned to at this moment, by the operating system's numbers; null when that is not known.</summary>
    IReadOnlyList<int>? Cores { get; }

    /// <summary>Starts one run of a workload; it is not ready to serve yet.</summary>
    /// <param name="workload">What to start. A run of the same workload may have ended just before.</param>
    /// <param name="output">Takes each line that it writes, from any thread.</param>
    /// <param name="cancellationToken">Gives the start up: nothing stays behind.</param>
    /// <exception cref="ClusterException">It could not be started.</exception>
    Task<IInstance> StartAsync(Workload workload, Action<string> output, CancellationToken cancellationToken);
}
