namespace ClusterAspire.Orchestration.Runtime;

/// <summary>A runtime that can start a run in advance.</summary>
public interface IStandbyRuntime : IRuntime
{
    /// <summary>Starts one run of a workload as far as it gets without serving; there it waits.</summary>
    /// <inheritdoc cref="IRuntime.StartAsync"/>
    Task<IStandby> PrepareAsync(Workload workload, Action<string> output, CancellationToken cancellationToken);
}
